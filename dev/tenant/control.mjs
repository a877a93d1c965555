// The tenant's control endpoints under /_tenant/: tests in another process, and curl, use them instead of the object.

const camelCase = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snakeCase = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const renameKeys = (object, rename) =>
  Object.fromEntries(Object.entries(object).map(([key, value]) => [rename(key), value]));

class BadRequest extends Error {}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString('utf8').trim();
  if (!text) return {};
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new BadRequest(`the body is not JSON: ${error.message}`);
  }
}

// The body of a request that mints a token, all of it optional: { claims, omit: [names of claims to leave out], header, alg }.
function mintedBy({ claims = {}, omit = [], header, alg }) {
  const left = Object.fromEntries(omit.map((name) => [name, undefined]));
  return [
    { ...claims, ...left },
    { header, alg },
  ];
}

const OPERATIONS = {
  'GET /_tenant/health': () => ({ status: 'ok' }),

  'GET /_tenant/settings': (tenant) => renameKeys(tenant.settings, snakeCase),

  'POST /_tenant/settings': (tenant, body) => {
    const changes = renameKeys(body, camelCase);
    const unknown = Object.keys(changes).filter((name) => !(name in tenant.settings));
    if (unknown.length) {
      const known = Object.keys(tenant.settings).map(snakeCase).join(', ');
      throw new BadRequest(`no such setting: ${unknown.map(snakeCase).join(', ')}; there are: ${known}`);
    }
    Object.assign(tenant.settings, changes);
    return renameKeys(tenant.settings, snakeCase);
  },

  'POST /_tenant/rotate-keys': async (tenant, { alg, forget_old: forgetOld }) => {
    const key = await tenant.rotateKeys({ alg, forgetOld });
    return { kid: key.kid, alg: key.alg };
  },

  'POST /_tenant/faults': (tenant, body) => {
    const { kind = 'status', ...rest } = renameKeys(body, camelCase);
    // An edit is a function, which JSON cannot carry.
    if (kind === 'edit') throw new BadRequest('the kind "edit" is for tests in the same process');
    try {
      tenant.fault({ kind, ...rest });
    } catch (error) {
      throw new BadRequest(error.message);
    }
    return { status: 'set' };
  },

  'DELETE /_tenant/faults': (tenant) => {
    tenant.clearFaults();
    return { status: 'cleared' };
  },

  'GET /_tenant/counts': (tenant) => tenant.counts,

  'DELETE /_tenant/counts': (tenant) => {
    tenant.resetCounts();
    return { status: 'cleared' };
  },

  // Tokens themselves stay out of this view.
  'GET /_tenant/grants': (tenant) => ({
    grants: tenant.families().map(({ grantId, sub, sid, clientId, rotations, revoked }) => ({
      grant_id: grantId,
      sub,
      sid,
      client_id: clientId,
      rotations,
      revoked,
    })),
  }),

  'POST /_tenant/mint': async (tenant, body, query) => {
    const token = await tenant.mint(...mintedBy(body));
    return query.get('format') === 'text' ? token : { access_token: token, token_type: 'Bearer' };
  },

  'POST /_tenant/logout-token': async (tenant, body, query) => {
    const token = await tenant.logoutToken(...mintedBy(body));
    return query.get('format') === 'text' ? token : { logout_token: token };
  },
};

/** Answers a request for a control endpoint. */
export async function handleControl(tenant, request, response) {
  const url = new URL(request.url, tenant.origin);
  const operation = OPERATIONS[`${request.method} ${url.pathname}`];
  let status = 200;
  let answer;
  if (operation) {
    try {
      answer = await operation(tenant, await readJson(request), url.searchParams);
    } catch (error) {
      if (!(error instanceof BadRequest)) throw error;
      status = 400;
      answer = { error: error.message };
    }
  } else {
    status = 404;
    answer = { error: 'no such operation', operations: Object.keys(OPERATIONS) };
  }
  const isText = typeof answer === 'string';
  response.writeHead(status, {
    'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json',
    'cache-control': 'no-store',
  });
  response.end(isText ? answer : `${JSON.stringify(answer, null, 2)}\n`);
}
