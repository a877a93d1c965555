// What a gateway does for every request besides passing it on or answering it, in plain JavaScript.

const PATTERNS = [
  '/login',
  '/callback',
  '/fixed/open',
  '/fixed/protected',
  '/proxied/open',
  '/proxied/token',
  ...Array.from({ length: 14 }, (_, number) => `/api/resource${number}/{id}`),
];
const LITERALS = new Set(PATTERNS.filter((pattern) => !pattern.includes('{')).map((pattern) => `GET ${pattern}`));
const OTHERS = PATTERNS.filter((pattern) => pattern.includes('{')).map(
  (pattern) => new RegExp(`^GET ${pattern.replace('{id}', '[^/]+')}$`),
);

/** Searches 20 routes. */
export function isRouted(method, path) {
  const wanted = `${method} ${path}`;
  return LITERALS.has(wanted) || OTHERS.some((pattern) => pattern.test(wanted));
}

/** Headers of a client that go no further. */
export const CLOSED_REQUEST = [
  'connection',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'x-request-id',
  'x-user-id',
  'tracestate',
];

/** Headers of an upstream that go no further. */
export const HIDDEN = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'trailer',
  'upgrade',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'access-control-max-age',
];

const ALLOWED_ORIGIN = 'https://app.example.com';

/** Headers that every answer gets. */
export function answerHeaders({ headers }, id) {
  const own = [
    ['x-request-id', id],
    ['vary', 'Origin'],
  ];
  if (headers.get('origin') === ALLOWED_ORIGIN) own.push(['access-control-allow-origin', ALLOWED_ORIGIN]);
  return own;
}

let isolate;
let count = 0;

/** Returns the client's request id, or makes one. Most cost no randomness. */
export function requestId(headers) {
  const given = headers.get('x-request-id');
  if (given !== null && /^[\w.-]{1,128}$/.test(given)) return given;
  isolate ??= crypto.getRandomValues(new Uint8Array(8)).toHex();
  count += 1;
  return `${isolate}-${count.toString(16).padStart(8, '0')}`;
}

const TRACE_BYTES = 24;
const random = new Uint8Array(TRACE_BYTES * 128);
let used = random.length;

/** Continues the client's trace, or begins one, with randomness that is drawn for many of them. */
export function traceparent(headers) {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  const digits = random.subarray(used, used + TRACE_BYTES).toHex();
  used += TRACE_BYTES;
  const given = /^00-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}$/.exec(headers.get('traceparent') ?? '');
  return `00-${given?.[1] ?? digits.slice(0, 32)}-${digits.slice(32)}-00`;
}

const decoder = new TextDecoder();

/** The text of a part of a token. */
export const textOf = (part) => decoder.decode(Uint8Array.fromBase64(part, { alphabet: 'base64url' }));

/** The token of a session by its cookie, and what is known of a token. */
const sessions = new Map();
const verified = new Map();

/** Finds the session of a request, and what its token says; the first request with a session begins it. */
export function claimsOfSession({ method, headers }) {
  const sent = (headers.get('cookie') ?? '').split(/[;,]/).map((part) => part.trim());
  const [cookie, another] = sent
    .filter((part) => part.startsWith('bargate='))
    .map((part) => part.slice('bargate='.length));
  if (cookie === undefined || another !== undefined) return undefined;
  if (Uint8Array.fromBase64(cookie, { alphabet: 'base64url' }).length !== 32) return undefined;
  if (method !== 'GET' || headers.get('upgrade') !== null) return undefined;
  if (!sessions.has(cookie)) {
    const token = `${cookie}.`.padEnd(800, cookie);
    sessions.set(cookie, token);
    verified.set(token, { exp: Number.MAX_SAFE_INTEGER });
  }
  return claimsInForce(sessions.get(cookie));
}

/** Finds what the bearer token of a request says; the first request with a token has it read. */
export function claimsOfToken({ headers }) {
  const token = /^bearer +([\w.~+/-]+=*)$/i.exec(headers.get('authorization') ?? '')?.[1];
  if (token === undefined) return undefined;
  if (!verified.has(token)) verified.set(token, JSON.parse(textOf(token.split('.')[1])));
  return claimsInForce(token);
}

function claimsInForce(token) {
  const claims = verified.get(token);
  return claims && claims.exp > Date.now() / 1000 ? claims : undefined;
}
