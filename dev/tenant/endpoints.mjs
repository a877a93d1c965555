// The endpoints that the tenant answers itself, because Auth0 differs from oidc-provider: JWKS, userinfo for access
// tokens of an API, logout, and the login page.

import { createLocalJWKSet, jwtVerify } from 'jose';
import { CLAIMS_OF_SCOPE } from './accounts.mjs';
import { sendAnswer } from './faults.mjs';
import { CONTENT_SECURITY_POLICY, consentPage, errorPage, loginPage } from './login-page.mjs';
import { SECOND_FACTOR, asksForSecondFactor, grantAll } from './provider.mjs';

/** Makes the endpoints. `find` returns the one that answers a request, or `undefined` if oidc-provider does. */
export function createEndpoints({
  issuer,
  paths,
  signingKeys,
  accounts,
  allowedLogoutUrls,
  isStrict,
  currentProvider,
}) {
  return {
    find(path, request) {
      if (path === paths.jwks && request.method === 'GET') return sendKeySet;
      if (isStrict && path === paths.end_session && !queryOf(request).has('id_token_hint')) return refuseLogout;
      if (!isStrict && path === paths.userinfo && bearerOf(request)?.split('.').length === 3) return sendUserinfo;
      if (path === '/v2/logout' && !paths.end_session) return logout;
      if (path.startsWith('/u/login/')) return login;
      return undefined;
    },
  };

  function sendKeySet(_, response) {
    sendAnswer(response, {
      headers: { 'content-type': 'application/json', 'cache-control': 'public, max-age=15, stale-while-revalidate=15' },
      body: signingKeys.keySet(),
    });
  }

  // oidc-provider refuses at /userinfo any access token made for an API; Auth0 accepts its own.
  async function sendUserinfo(request, response) {
    try {
      const { payload } = await jwtVerify(bearerOf(request) ?? '', createLocalJWKSet(signingKeys.keySet()), {
        issuer,
        audience: `${issuer}userinfo`,
        currentDate: new Date(Date.now()),
      });
      const known = accounts.claimsOf(payload.sub);
      const names = (payload.scope ?? '').split(' ').flatMap((scope) => CLAIMS_OF_SCOPE[scope] ?? []);
      const claims = Object.fromEntries(Object.entries(known).filter(([name]) => names.includes(name)));
      sendAnswer(response, {
        headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
        body: claims,
      });
    } catch {
      sendAnswer(response, {
        status: 401,
        headers: { 'content-type': 'application/json', 'www-authenticate': 'Bearer error="invalid_token"' },
        body: { error: 'invalid_token', error_description: 'the access token is not valid here' },
      });
    }
  }

  // Auth0's logout: ends the session here, revokes no refresh token, and redirects only to allowed addresses.
  async function logout(request, response) {
    const returnTo = queryOf(request).get('returnTo') ?? allowedLogoutUrls[0];
    if (!allowedLogoutUrls.includes(returnTo)) {
      const refusal = 'The "returnTo" address is not an allowed logout URL.';
      return sendHtml(response, 400, errorPage('invalid_request', refusal));
    }
    const provider = currentProvider();
    const session = await provider.Session.get(provider.createContext(request, response));
    if (session.accountId) await session.destroy();
    const expired = 'path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT; httponly; samesite=lax';
    response.setHeader('set-cookie', [`tenant_session=; ${expired}`, `tenant_session.sig=; ${expired}`]);
    response.writeHead(302, { location: returnTo });
    return response.end();
  }

  function refuseLogout(_, response) {
    sendHtml(response, 400, errorPage('invalid_request', 'The id_token_hint is missing.'));
  }

  async function login(request, response) {
    let interaction;
    try {
      interaction = await currentProvider().interactionDetails(request, response);
    } catch {
      const refusal = 'This login has ended. Start again from the application.';
      return sendHtml(response, 400, errorPage('invalid_request', refusal));
    }
    const { client_id: clientId, login_hint: loginHint, scope, resource = [] } = interaction.params;
    const isConsent = interaction.prompt.name === 'consent';
    const secondFactor = asksForSecondFactor(interaction.params);
    if (request.method !== 'POST')
      return sendHtml(
        response,
        200,
        isConsent ? consentPage({ clientId, scope }) : loginPage({ clientId, loginHint, secondFactor }),
      );

    const form = await readForm(request);
    const email = form.get('username') ?? form.get('email') ?? '';
    if (form.get('action') === 'deny') {
      const denial = { error: 'access_denied', error_description: 'User denied the request' };
      return currentProvider().interactionFinished(request, response, denial, { mergeWithLastSubmission: false });
    }
    if (isConsent) {
      const { accountId } = interaction.session;
      const grant = await grantAll(currentProvider(), { accountId, clientId, scope, resources: [resource].flat() });
      const consent = { consent: { grantId: grant.jti } };
      return currentProvider().interactionFinished(request, response, consent, { mergeWithLastSubmission: true });
    }
    if (!email.includes('@')) return sendHtml(response, 400, loginPage({ clientId, loginHint: email, secondFactor }));
    const acr = secondFactor && form.get('code') ? SECOND_FACTOR : undefined;
    const result = { login: { accountId: accounts.subjectOf(email), acr } };
    return currentProvider().interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
}

function bearerOf(request) {
  return /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
}

const queryOf = ({ url }) => new URLSearchParams(url.split('?')[1]);

async function readForm(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
}

function sendHtml(response, status, body) {
  sendAnswer(response, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cache-control': 'no-store',
    },
    body,
  });
}
