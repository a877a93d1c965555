// The tenant's memory: what oidc-provider asks of an adapter, plus a view of refresh token families for tests.

import Provider, { errors } from 'oidc-provider';

/** One tenant's storage. Every Provider made over it sees the same sessions, grants and tokens. */
export class Storage {
  #records = new Map();
  #families = new Map();
  #settings;
  #onGrant;

  /**
   * @param {any} settings
   * @param {(event: { kind: 'issued' | 'exchanged' | 'revoked', grantId: string, token?: string, request?: any }) => void} [onGrant] hears of each
   *   refresh token that is issued or exchanged and of each revoked family, with the request that caused it
   */
  constructor(settings, onGrant = () => {}) {
    this.#settings = settings;
    this.#onGrant = onGrant;
  }

  /** The adapter factory that oidc-provider's configuration takes. */
  adapter = (model) => new Adapter(model, this);

  find(key) {
    const record = this.#records.get(key);
    if (record && record.expiresAt <= Date.now()) {
      this.#records.delete(key);
      return undefined;
    }
    if (record?.spentAt <= Date.now()) record.payload.consumed ??= Math.floor(record.spentAt / 1000);
    return record?.payload;
  }

  findSessionByUid(uid) {
    for (const [key, { payload }] of this.#records) {
      if (key.startsWith('Session:') && payload.uid === uid) return this.find(key);
    }
    return undefined;
  }

  store(key, payload, expiresInSeconds) {
    const expiresAt = expiresInSeconds ? Date.now() + expiresInSeconds * 1000 : Infinity;
    this.#records.set(key, { payload, expiresAt });
    if (key.startsWith('RefreshToken:') && payload.grantId) this.#join(payload);
  }

  /**
   * Takes a token that is valid once; returns false if it is used up. A refresh token is used up `rotationOverlapSeconds` after
   * its first use, as with Auth0's rotation overlap period.
   */
  take(key) {
    const payload = this.find(key);
    if (!payload || payload.consumed) return false;
    const isRefresh = key.startsWith('RefreshToken:');
    const overlapSeconds = isRefresh ? this.#settings.rotationOverlapSeconds : 0;
    this.#records.get(key).spentAt ??= Date.now() + overlapSeconds * 1000;
    if (isRefresh) this.#count(payload);
    return true;
  }

  #count({ grantId, jti: token }) {
    const { uses } = this.#families.get(grantId);
    uses[token] = (uses[token] ?? 0) + 1;
    this.#onGrant({ kind: 'exchanged', grantId, token, request: Provider.ctx?.req });
  }

  /** Returns a record with what the policies for refresh tokens add to it, and without what is withheld. */
  underPolicies(model, payload) {
    const { policies, withheldResources } = this.#settings;
    if (model === 'Grant' && policies.length) {
      const more = policies.map(({ audience, scope }) => [audience, scope.join(' ')]);
      return { ...payload, resources: { ...payload.resources, ...Object.fromEntries(more) } };
    }
    if (model !== 'RefreshToken' || !(policies.length || withheldResources.length)) return payload;
    const resources = new Set([payload.resource ?? [], policies.map(({ audience }) => audience)].flat(2));
    for (const withheld of withheldResources) resources.delete(withheld);
    // Auth0 gives of the scopes of a request those that its policy has, and does not refuse the others.
    const asked = policies.length ? (Provider.ctx?.oidc?.body?.scope ?? '').split(' ') : [];
    const scopes = new Set([...(payload.scope ?? '').split(' '), ...policies.flatMap(({ scope }) => scope), ...asked]);
    return { ...payload, resource: [...resources], scope: [...scopes].filter(Boolean).join(' ') };
  }

  remove(key) {
    this.#records.delete(key);
  }

  revoke(grantId) {
    const family = this.#families.get(grantId);
    if (family && !family.revoked) {
      family.revoked = true;
      family.revokedBy = Provider.ctx?.oidc?.route;
      this.#onGrant({ kind: 'revoked', grantId, request: Provider.ctx?.req });
    }
    for (const [key, { payload }] of this.#records) {
      if (payload.grantId === grantId) this.#records.delete(key);
    }
  }

  #join({ grantId, accountId, clientId, sid, jti }) {
    const family = this.#families.get(grantId) ?? {
      grantId,
      sub: accountId,
      sid,
      clientId,
      refreshTokens: [],
      uses: {},
      revoked: false,
      revokedBy: undefined,
    };
    if (!family.refreshTokens.includes(jti)) family.refreshTokens.push(jti);
    this.#families.set(grantId, family);
    this.#onGrant({ kind: 'issued', grantId, token: jti, request: Provider.ctx?.req });
  }

  /**
   * Every family of refresh tokens, oldest first: `refreshTokens` in the order they were issued, how often each was exchanged (`uses`),
   * `sid`, the tenant's session in which the login was made, and the endpoint by which it was revoked (`revokedBy`): `token` if
   * somebody used a refresh token again, `revocation` if that was asked for.
   */
  families() {
    return [...this.#families.values()].map((family) => ({
      ...family,
      refreshTokens: [...family.refreshTokens],
      uses: { ...family.uses },
      rotations: family.refreshTokens.length - 1,
    }));
  }
}

class Adapter {
  constructor(model, storage) {
    this.model = model;
    this.storage = storage;
  }

  key(id) {
    return `${this.model}:${id}`;
  }

  async upsert(id, payload, expiresInSeconds) {
    this.storage.store(this.key(id), payload, expiresInSeconds);
  }

  async find(id) {
    const payload = this.storage.find(this.key(id));
    return payload && this.storage.underPolicies(this.model, payload);
  }

  async findByUid(uid) {
    return this.storage.findSessionByUid(uid);
  }

  async findByUserCode() {
    return undefined;
  }

  async destroy(id) {
    this.storage.remove(this.key(id));
  }

  // Taking a token is atomic here: of two requests that found it unused at once, the second is a reuse.
  async consume(id) {
    const payload = this.storage.find(this.key(id));
    if (this.storage.take(this.key(id))) return;
    if (payload?.grantId) this.storage.revoke(payload.grantId);
    throw new errors.InvalidGrant('token already used');
  }

  async revokeByGrantId(grantId) {
    this.storage.revoke(grantId);
  }
}
