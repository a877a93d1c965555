// The Worker that is deployed from here: the library, with what the build gives it.
import { config, prepared, services } from '../../build/inputs.mjs';
import { gateway } from './library.mjs';

export { DpopProofs, LogoutIndex, RateLimit, RefreshExchange, Session } from './library.mjs';

export default gateway({ config, prepared, services });
