// The tests of pushed-requests.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './pushed-requests.test.mjs';
