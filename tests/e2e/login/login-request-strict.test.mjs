// The tests of login-request.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './login-request.test.mjs';
