// The tests of step-up.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './step-up.test.mjs';
