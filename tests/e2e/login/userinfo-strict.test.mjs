// The tests of userinfo.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './userinfo.test.mjs';
