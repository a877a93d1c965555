// The tests of upstream-tokens.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './upstream-tokens.test.mjs';
