// Revokes tokens.

import { call } from '../runtime/http_client.js';

/** The most that is read of an answer in which nothing matters but its status. */
const REVOKED_MAX_BYTES = 256 * 1024;

/** How providers say that a token is gone, whatever error they call it, and not that the client or its request is refused. */
const GONE = /^\s*\{(?!.*(_client|unsupported_|assertion)).*(invalid_(token|grant)|not found|revoked|expired)/is;

/**
 * Why a token is not revoked, whether that may pass, and whether the provider refused the client.
 *
 * @typedef {{ reason: string, passes?: boolean, isClient?: boolean }} Failure
 */

/**
 * Returns why a token is not revoked, and whether that may pass: what a provider refuses it will refuse again, but for the secret.
 *
 * @param {string} url
 * @param {string} form
 * @param {string | undefined} authorization
 * @param {string} token
 * @param {number} ms
 * @returns {Promise<Failure | undefined>}
 */
export async function revoked(url, form, authorization, token, ms) {
  if (!url) return { reason: 'the provider is not asked', passes: true };
  try {
    const [status, , answer] = await call(
      url,
      `${form}&token=${encodeURIComponent(token)}`,
      authorization,
      ms,
      REVOKED_MAX_BYTES,
    );
    const said = new TextDecoder().decode(answer);
    // Some refuse a token that is gone already (RFC 7009 section 2.2 says 200): it is as good as revoked.
    const isGone = status === 400 && GONE.test(said);
    const isClient = said.includes('invalid_client');
    const advice = isClient ? ' (see token_endpoint_auth_method and client_secret)' : '';
    const passes = status < 400 || status > 428 || status === 401;
    if (status !== 200 && !isGone)
      return { reason: `status ${status}${advice}`, passes, isClient: isClient && status === 401 };
  } catch (thrown) {
    return { reason: thrown instanceof Error ? thrown.message : String(thrown), passes: true };
  }
}

/** Nobody tries again behind this answer: that the client is refused is for its operator. @param {Parameters<typeof revoked>} how */
export async function revoke_token(...how) {
  const failure = await revoked(...how);
  return failure && [failure.reason, (failure.passes ?? false) && !failure.isClient];
}
