// Token exchange (RFC 8693), which oidc-provider has no grant for: the access token of a caller for one that is meant for another API.

import { createLocalJWKSet, jwtVerify } from 'jose';
import { errors } from 'oidc-provider';

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const PARAMETERS = ['subject_token', 'subject_token_type', 'requested_token_type', 'audience', 'resource', 'scope'];

/**
 * Adds the grant to a provider. `apiOf` returns what it knows of the API that is asked for.
 * @param {any} provider
 * @param {{ issuer: string, keySet: () => any, apiOf: (audience: string) => any }} how
 */
export function addTokenExchange(provider, { issuer, keySet, apiOf }) {
  const exchange = async (ctx) => {
    const { client, params } = ctx.oidc;
    if (params.subject_token_type !== ACCESS_TOKEN || (params.requested_token_type ?? ACCESS_TOKEN) !== ACCESS_TOKEN)
      throw new errors.InvalidRequest('only access tokens are exchanged here, for access tokens');
    // Section 2.2.2: whatever is wrong with the subject token is the request's fault.
    const subject = await jwtVerify(params.subject_token ?? '', createLocalJWKSet(keySet()), {
      issuer,
      currentDate: new Date(Date.now()),
    }).catch(() => {
      throw new errors.InvalidRequest('the subject token is not valid here');
    });
    const audience = params.resource ?? params.audience;
    if (typeof audience !== 'string') throw new errors.InvalidTarget('one API has to be named');
    const token = new provider.AccessToken({
      client,
      accountId: subject.payload.sub,
      scope: params.scope,
      gty: 'token_exchange',
    });
    token.resourceServer = new provider.ResourceServer(audience, apiOf(audience));
    ctx.body = {
      access_token: await token.save(),
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: token.expiration,
      scope: token.scope,
    };
  };
  provider.registerGrantType(TOKEN_EXCHANGE, exchange, PARAMETERS);
}
