// Verifies an RS256 token by hand, step by step: `HAS` says which, and what it has not is left out of the bundle.

import { WorkerEntrypoint } from 'cloudflare:workers';
import { changed, plain, withDuties } from './answer.mjs';
import { isRouted, requestId, textOf } from './duties.mjs';

const ALGORITHM = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const BASE64URL = /** @type {const} */ ({ alphabet: 'base64url' });
const encoder = new TextEncoder();

/** The first token that came, taken apart. */
let first;
let keys;

export default class extends WorkerEntrypoint {
  async fetch(request) {
    if (HAS.duties && !isRouted(request.method, new URL(request.url).pathname))
      return new Response(null, { status: 404 });
    const id = HAS.duties ? requestId(request.headers) : 'none';
    const sent = request.headers.get('authorization').slice('Bearer '.length);
    const token = HAS.reading ? taken(sent) : (first ??= taken(sent));
    keys ??= await loadKeys(this.env);
    const verified = await crypto.subtle.verify(ALGORITHM, keys[token.head.kid], token.signature, token.signed);
    if (!verified || (HAS.reading && !isFor(token.claims, this.env))) return new Response('no', { status: 401 });
    if (HAS.call) return changed(request);
    return HAS.duties ? withDuties(request, id) : plain();
  }
}

function taken(token) {
  const [head, claims, signature] = token.split('.');
  return {
    head: JSON.parse(textOf(head)),
    claims: JSON.parse(textOf(claims)),
    signature: Uint8Array.fromBase64(signature, BASE64URL),
    signed: encoder.encode(token.slice(0, token.lastIndexOf('.'))),
  };
}

const isFor = ({ iss, aud, exp }, { ISSUER, AUDIENCE }) =>
  iss === ISSUER && [aud].flat().includes(AUDIENCE) && exp > Date.now() / 1000;

async function loadKeys({ JWKS }) {
  const { keys: all } = await (await fetch(JWKS)).json();
  const imported = all.map(async (key) => [
    key.kid,
    await crypto.subtle.importKey('jwk', key, ALGORITHM, false, ['verify']),
  ]);
  return Object.fromEntries(await Promise.all(imported));
}
