// The tests of login.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './login.test.mjs';
