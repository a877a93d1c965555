// The tests of session-list.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './session-list.test.mjs';
