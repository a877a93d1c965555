// Clients whose tokens are bound to a key, made by hand: every part of a proof can be another.

import { createHash, randomUUID } from 'node:crypto';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';

/** The key of a client, with what names it. */
export async function makeHolder(alg = 'ES256') {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = await exportJWK(publicKey);
  return { alg, jwk, privateKey, jkt: await calculateJwkThumbprint(jwk) };
}

/** @param {string} text */
export const sha256 = (text) => createHash('sha256').update(text).digest('base64url');

/** A token of the tenant that is bound to the key of `holder`. */
export const boundToken = (tenant, holder, claims) => tenant.mint({ cnf: { jkt: holder.jkt }, ...claims });

/**
 * Makes a proof for a request with a token. `claims` and `header` replace members; `undefined` removes one. `key` signs.
 *
 * @param {Awaited<ReturnType<typeof makeHolder>>} holder
 * @param {string} token
 * @param {string | URL} url
 * @param {{ method?: string, claims?: Record<string, any>, header?: Record<string, any>, key?: any }} [how]
 */
export function makeProof(holder, token, url, { method = 'GET', claims, header, key = holder.privateKey } = {}) {
  const iat = Math.floor(Date.now() / 1000);
  const said = { jti: randomUUID(), htm: method, htu: `${url}`, iat, ath: sha256(token), ...claims };
  return new SignJWT(said)
    .setProtectedHeader({ alg: holder.alg, typ: 'dpop+jwt', jwk: holder.jwk, ...header })
    .sign(key);
}

/**
 * Sends a request with a bound token and its proof.
 *
 * @param {any} gateway
 * @param {string} path
 * @param {{ holder: any, token: string, proof?: string | null, url?: string, headers?: Record<string, string>, how?: any }} of
 */
export async function askBound(gateway, path, { holder, token, proof, url, headers, how }) {
  const sent = proof ?? (await makeProof(holder, token, url ?? new URL(path, gateway.origin).href, how));
  return gateway.ask(path, {
    method: how?.method ?? 'GET',
    headers: { authorization: `DPoP ${token}`, ...(proof === null ? {} : { dpop: sent }), ...headers },
  });
}
