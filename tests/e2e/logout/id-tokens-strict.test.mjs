// The tests of id-tokens.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './id-tokens.test.mjs';
