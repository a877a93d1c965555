// The tests of grants.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './grants.test.mjs';
