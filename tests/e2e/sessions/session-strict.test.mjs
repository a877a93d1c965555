// The tests of session.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './session.test.mjs';
