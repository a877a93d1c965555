// What is said once everything is up: where to look, and what to try.

const RULE = '─'.repeat(78);
const listOf = (value) => (Array.isArray(value) ? value : []);
const typeOf = ({ integration } = /** @type {any} */ ({})) => integration?.type ?? '';

/** Returns a path that a pattern takes. */
const example = (pattern) => pattern.replace(/\{[^}]*\}/g, 'messages');

/**
 * Returns what is said.
 *
 * @param {{ config: any, assets: unknown, origins: { gateway: string, tenant: string, api: string }, hasTenant: boolean, accessTokenSecs: number }} what
 */
export function ready({ config, assets, origins: { gateway, tenant, api }, hasTenant, accessTokenSecs }) {
  const paths = listOf(config?.paths);
  const login = paths.find((path) => /^(?:auth0|oidc)_login/.test(typeOf(path)));
  const guarded = paths.find(
    ({ auth, method = 'GET', integration }) =>
      auth && /^(?:GET|ANY)$/.test(method) && integration?.type === 'http_proxy',
  );
  const place = assets ? `${gateway}/` : login && `${gateway}${login.path}`;
  const anyone = hasTenant ? ', and log in with any e-mail address and any password' : ', and log in';
  const lines = ['', RULE, 'Bargate is up.'];
  if (place) lines[2] += ` Open the page${login ? anyone : ''}:\n  ${place}`;
  if (hasTenant && login)
    lines.push(
      '',
      `Access tokens live for ${accessTokenSecs} seconds here, so that you can watch the gateway renew them.`,
    );
  if (guarded) {
    const address = `${gateway}${example(guarded.path)}`;
    lines.push('', 'Call the API without a token, and be refused:', `  curl -i ${address}`);
    if (hasTenant)
      lines.push(
        '',
        'Call it with one:',
        `  curl -i -H "Authorization: Bearer $(curl -s -X POST '${tenant}/_tenant/mint?format=text')" ${address}`,
      );
  }
  lines.push(
    '',
    `${hasTenant ? `Tenant ${tenant}, sample` : 'Sample'} API ${api}. Ctrl-C ends all ${hasTenant ? 'three' : 'of it'}.`,
    RULE,
  );
  return lines.join('\n');
}
