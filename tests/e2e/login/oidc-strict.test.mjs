// The tests of oidc.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './oidc.test.mjs';
