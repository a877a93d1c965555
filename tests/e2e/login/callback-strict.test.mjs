// The tests of callback.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './callback.test.mjs';
