// The Worker: the gateway, as gateway.config.json says. The classes are its Durable Objects, which wrangler.toml binds.
import { gateway } from 'bargate';
import config from '../gateway.config.json';

export { LogoutIndex, RefreshExchange, Session } from 'bargate';

export default gateway({ config });
