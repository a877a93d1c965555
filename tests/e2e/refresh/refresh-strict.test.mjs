// The tests of refresh.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './refresh.test.mjs';
