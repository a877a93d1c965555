// What the clients call: a gateway with both ways to stay logged in, in front of the sample API; its provider, the local tenant; and
// pages of an origin of their own, with a real browser if the client runs in one.

import { startApi } from '../../../dev/api.mjs';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { launchChromium } from '../../e2e/support/chromium.mjs';
import { Browser, freePort, proxied, startGateway, startUpstream } from '../../e2e/support/harness.mjs';

export const API = '/api/things';
/** An API that requires a scope which no client is given. */
export const ADMIN_API = '/admin/things';
export const ADMIN_SCOPE = 'delete:messages';
export const REFRESH = '/api/auth0/refresh';
export const SESSION_LOGIN = '/api/auth0/login';
const SESSION_CALLBACK = '/api/auth0/callback';
const TOKEN_LOGIN = '/api/auth0/token/login';
const TOKEN_CALLBACK = '/api/auth0/token/callback';
const SCOPE = 'openid profile email offline_access';

/** A page's client at the provider, which has no secret, and a program's, which has no user. */
export const PAGE_CLIENT_ID = 'a-page';
export const MACHINE_CLIENT_ID = 'a-machine';

export { DEFAULT_AUDIENCE as AUDIENCE, DEFAULT_CLIENT_ID as GATEWAY_CLIENT_ID, SCOPE };

/** Past the life of the tenant's access tokens. */
const PAST_EXPIRY_SECS = 700;

/**
 * Starts all of it. `scripts` are the files that pages of the client load, by path; with them there is a browser.
 * @param {{ scripts?: Record<string, Buffer> }} [options]
 */
export async function startSite({ scripts } = {}) {
  // First: without one, nothing has started that would keep the process.
  const browser = scripts && (await launchChromium());
  const serve = (request, response) => {
    const script = scripts?.[request.url];
    response.setHeader('content-type', script ? 'text/javascript' : 'text/html');
    response.end(script ?? '<!doctype html><title>A page</title>');
  };
  const [page, stranger, api] = await Promise.all([startUpstream(serve), startUpstream(serve), startApi()]);
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const client = (own) => ({ response_types: ['code'], grant_types: ['authorization_code', 'refresh_token'], ...own });
  const secret = DEFAULT_CLIENT_SECRET;
  const tenant = await startTenant({
    webOrigins: [page.origin],
    clients: [
      client({
        client_id: DEFAULT_CLIENT_ID,
        client_secret: secret,
        redirect_uris: [SESSION_CALLBACK, TOKEN_CALLBACK].map((path) => origin + path),
      }),
      client({ client_id: PAGE_CLIENT_ID, token_endpoint_auth_method: 'none', redirect_uris: [`${page.origin}/`] }),
      {
        client_id: MACHINE_CLIENT_ID,
        client_secret: secret,
        response_types: [],
        grant_types: ['client_credentials'],
        redirect_uris: [],
      },
    ],
  });
  const gateway = await startGateway({
    port,
    clock: 'runs',
    bindings: { CLIENT_SECRET: secret },
    config: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'pages', url: page.origin },
      ],
      cors: { allow_origins: [page.origin], allow_credentials: true },
      authorizer: {
        type: 'auth0',
        domain: tenant.origin,
        client_id: DEFAULT_CLIENT_ID,
        client_secret: '$secret.CLIENT_SECRET',
        audience: DEFAULT_AUDIENCE,
        redirect_uri: origin + SESSION_CALLBACK,
        scope: SCOPE,
      },
      session: { login_path: SESSION_LOGIN },
      paths: [
        { method: 'GET', path: SESSION_LOGIN, integration: { type: 'auth0_login' } },
        { method: 'GET', path: SESSION_CALLBACK, integration: { type: 'auth0_callback' } },
        ...[
          { path: TOKEN_LOGIN, integration: { type: 'auth0_login' } },
          { path: TOKEN_CALLBACK, integration: { type: 'auth0_callback', response: 'json' } },
        ].map(({ path, integration }) => ({
          method: 'GET',
          path,
          integration: { ...integration, redirect_uri: origin + TOKEN_CALLBACK },
        })),
        { method: 'POST', path: REFRESH, integration: { type: 'auth0_refresh' } },
        proxied('/api/{.+}', 'api', { auth: true }),
        proxied('/admin/{.+}', 'api', { auth: { scopes: [ADMIN_SCOPE] } }),
        proxied('/{.+}', 'pages'),
      ],
    },
  });
  return {
    tenant,
    gateway,
    /** The origin of the pages, which the gateway's `cors` lists, and one that it does not list. */
    pageOrigin: page.origin,
    strangeOrigin: stranger.origin,
    secret,
    /** Logs a person in at the gateway, and returns the token response that its callback gives to the client. */
    async logIn() {
      const person = new Browser();
      const callback = await person.logInUntilCallback(gateway.origin + TOKEN_LOGIN);
      return (await person.fetch(callback)).json();
    },
    /** Opens a page of the client's origin, in a browser with nothing in it. */
    async open() {
      const opened = await (await browser.newContext()).newPage();
      await opened.goto(`${page.origin}/`);
      return opened;
    },
    /**
     * Does something while every access token has expired for the gateway, and returns what it gave.
     * @template T
     * @param {() => Promise<T>} action
     */
    async whenExpired(action) {
      await gateway.later(PAST_EXPIRY_SECS);
      try {
        return await action();
      } finally {
        await gateway.later(-PAST_EXPIRY_SECS);
      }
    },
    async close() {
      await browser?.close();
      await gateway.close();
      await Promise.all([tenant, api, page, stranger].map((each) => each.close()));
    },
  };
}

/** Fills in the tenant's form for whoever looks at a page. */
export async function fillInLogin(page) {
  await page.getByLabel('E-mail address').fill('alice@example.com');
  await page.getByLabel('Password').fill('any');
  await page.getByRole('button', { name: 'Log in' }).click();
}
