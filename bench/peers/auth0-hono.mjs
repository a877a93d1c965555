// Sessions of @auth0/auth0-hono, which are in the cookie. A request with a session asks no tenant, so none is needed.

import { auth } from '@auth0/auth0-hono';
import { Hono } from 'hono';

/** @type {Hono<any>} */
const app = new Hono();
let authenticate;

app.use((context, next) => {
  authenticate ??= auth({
    domain: 'tenant.example',
    clientID: 'any',
    clientSecret: 'any',
    baseURL: 'http://127.0.0.1',
    errorOnRequiredAuth: true,
    session: { secret: context.env.SESSION_SECRET },
  });
  return authenticate(context, next);
});
app.get('/fixed/protected', (context) => context.json({ status: 'ok' }));

export default app;
