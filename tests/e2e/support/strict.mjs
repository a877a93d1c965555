// Makes the tenant strict, for whatever is imported after this.

import { mode } from './tenant-mode.mjs';

mode.isStrict = true;
