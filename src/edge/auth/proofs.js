// What is decided of a proof of possession where its digests are: whether its nonce counts, and whether an isolate without objects takes it.

/**
 * Judges the nonce of a proof by those that count. How long that takes does not depend on what is the same.
 *
 * @param {unknown} sent
 * @param {string[]} nonces
 * @returns {'recent' | 'ending' | 'unknown'}
 */
export function judge(sent, nonces) {
  const [current, next, before] = nonces.map((nonce) => {
    let differs = Number(typeof sent !== 'string' || sent.length !== nonce.length || !nonce);
    for (let at = 0; at < nonce.length; at += 1) differs |= nonce.charCodeAt(at) ^ String(sent).charCodeAt(at);
    return !differs;
  });
  return current || next ? 'recent' : before ? 'ending' : 'unknown';
}

/** So many proofs are kept as used by an isolate that has no object to ask. */
const USED_MAX = 20_000;

/**
 * Keeps a proof as used, each until it is too old; returns `used` if it was. The oldest make room.
 *
 * @param {Map<string, number>} kept
 * @param {string} name
 * @param {number} until
 * @param {number} now
 */
export function keep(kept, name, until, now) {
  if ((kept.get(name) ?? -Infinity) >= now) return 'used';
  kept.delete(name);
  for (const oldest of kept.keys()) {
    if (kept.size < USED_MAX) break;
    kept.delete(oldest);
  }
  kept.set(name, until);
  return 'taken';
}
