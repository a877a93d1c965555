// Verifies the token of each request with jose and the issuer's JWKS, and gives one answer.

import { createRemoteJWKSet, jwtVerify } from 'jose';

let jwks;

export default {
  async fetch(request, { JWKS, ISSUER: issuer, AUDIENCE: audience }) {
    jwks ??= createRemoteJWKSet(new URL(JWKS));
    const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? '';
    try {
      await jwtVerify(token, jwks, { issuer, audience, algorithms: ['RS256'] });
    } catch {
      return new Response('no', { status: 401 });
    }
    return new Response('{"status":"ok"}', { headers: { 'content-type': 'application/json' } });
  },
};
