// A gateway as one would write it with Hono: as many routes as Bargate has, the keys fetched once for each isolate.

import { Hono } from 'hono';
import { jwk } from 'hono/jwk';
import { proxy } from 'hono/proxy';

let keys;

async function loadKeys({ env }) {
  if (keys) return keys;
  const response = await fetch(env.JWKS);
  ({ keys } = await response.json());
  return keys;
}

/** @type {Hono<any>} */
const app = new Hono();
app.get('/fixed/open', (context) => context.json({ status: 'ok' }));
app.use('/proxied/token', (context, next) => {
  const { ISSUER: iss, AUDIENCE: aud } = context.env;
  return jwk({ keys: loadKeys, alg: ['RS256'], verification: { iss, aud } })(context, next);
});
app.get('/proxied/token', (context) =>
  proxy(context.env.UPSTREAM + context.req.path, {
    ...context.req,
    headers: { ...context.req.header(), 'x-user-id': context.get('jwtPayload').sub },
  }),
);
for (let number = 0; number < 18; number += 1)
  app.get(`/api/resource${number}/:id`, (context) => context.json({ status: 'ok' }));

export default app;
