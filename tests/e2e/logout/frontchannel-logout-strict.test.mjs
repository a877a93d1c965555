// The tests of frontchannel-logout.test.mjs, with a tenant that has no kindnesses.

import '../support/strict.mjs';
import './frontchannel-logout.test.mjs';
