// The tests of logout.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './logout.test.mjs';
