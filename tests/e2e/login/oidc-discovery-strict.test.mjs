// The tests of oidc-discovery.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './oidc-discovery.test.mjs';
