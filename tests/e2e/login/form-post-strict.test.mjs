// The tests of form-post.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './form-post.test.mjs';
