// What the edge does in JavaScript: in one call what would take WebAssembly one for each header or step, each of which would
// cost a crossing, and code besides. No request is let through or refused here. The Rust module named above each part declares it.

const TIMEOUT = "timeout";
const TOO_LARGE = "too large";
const BASE64URL = { alphabet: "base64url", omitPadding: true };

/** Gives what `work` gives, or fails with `late` after `ms`. */
async function within(ms, work, late) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(reject, ms, late);
  });
  try {
    return await Promise.race([limit, work()]);
  } finally {
    clearTimeout(timer);
  }
}

/** Fetches, never following a redirect; what `use` makes of the answer must be there within `ms`. */
async function fetchWithin(ms, input, init, use) {
  const abort = new AbortController();
  const work = async () => use(await fetch(input, { ...init, redirect: "manual", signal: abort.signal }));
  try {
    return await within(ms, work, TIMEOUT);
  } catch (reason) {
    // Ended early, the rest of the answer is not wanted.
    abort.abort();
    throw reason;
  }
}

// host.rs

function* pairs(lines) {
  if (lines === "") return;
  const parts = lines.split("\n");
  for (let i = 0; i + 1 < parts.length; i += 2) yield [parts[i], parts[i + 1]];
}

export function request_line(request) {
  return `${request.method} ${URL.parse(request.url)?.href ?? ""}`;
}

export function respond(status, headers, body) {
  return new Response(body, { status, headers: [...pairs(headers)] });
}

export function relay(response, drop, own, set, vary, personal) {
  const relayed = new Response(response.body, response);
  for (const name of response.headers.get("connection")?.match(/[\w!#$%&'*+.^`|~-]+/g) ?? []) relayed.headers.delete(name);
  if (drop !== "") for (const name of drop.split("\n")) relayed.headers.delete(name);
  const cookies = relayed.headers.getSetCookie();
  const kept = cookies.filter((cookie) => !own.split("\n").includes(cookie.replace(/^[\s=]+/, "").split("=")[0].trim()));
  if (kept.length < cookies.length) {
    relayed.headers.delete("set-cookie");
    for (const cookie of kept) relayed.headers.append("set-cookie", cookie);
  }
  for (const [name, value] of pairs(set)) relayed.headers.set(name, value);
  if (vary !== undefined) relayed.headers.append("vary", vary);
  if (personal) {
    relayed.headers.append("vary", "Cookie");
    const decided = /\b(public|s-maxage|must-revalidate|no-store|private)\b/i.test(relayed.headers.get("cache-control"));
    if (!decided) relayed.headers.append("cache-control", "private");
  }
  return relayed;
}

export function forward(request, url, drop, set) {
  const forwarded = new Request(url, request);
  const dropped = new Set(drop.split("\n"));
  for (const name of [...forwarded.headers.keys()]) {
    const folded = name.replaceAll("_", "-");
    if (dropped.has(folded) || folded.startsWith("x-forwarded-")) forwarded.headers.delete(name);
  }
  for (const [name, value] of pairs(set)) forwarded.headers.set(name, value);
  return forwarded;
}

export function send(request, ms) {
  return fetchWithin(ms, request, {}, (response) => response);
}

// provider.rs

export async function read(stream, max) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream ?? []) {
    length += chunk.length;
    if (length > max) throw TOO_LARGE;
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

function delay(value) {
  const date = value?.trimEnd().endsWith("GMT") ? Date.parse(value) : NaN;
  return isNaN(date) ? value : String(Math.max(0, Math.ceil((date - Date.now()) / 1000)));
}

export function call(url, form, bearer, ms, max) {
  const headers = { accept: "application/json" };
  if (form !== undefined) headers["content-type"] = "application/x-www-form-urlencoded";
  if (bearer !== undefined) headers.authorization = `Bearer ${bearer}`;
  const init = { method: form === undefined ? "GET" : "POST", headers, body: form };
  return fetchWithin(ms, url, init, async (response) => {
    return [response.status, delay(response.headers.get("retry-after")), await read(response.body, max)];
  });
}

// webcrypto.rs

function parameters(algorithm) {
  const bits = algorithm.slice(2);
  const hash = `SHA-${bits}`;
  switch (algorithm.slice(0, 2)) {
    case "RS":
      return { name: "RSASSA-PKCS1-v1_5", hash };
    case "PS":
      return { name: "RSA-PSS", hash, saltLength: bits / 8 };
    case "ES":
      return { name: "ECDSA", hash, namedCurve: `P-${bits}` };
    default:
      return { name: "Ed25519" };
  }
}

export async function import_key(jwk, algorithm) {
  return crypto.subtle.importKey("jwk", JSON.parse(jwk), parameters(algorithm), false, ["verify"]);
}

export async function verify(key, algorithm, signature, signed) {
  return crypto.subtle.verify(parameters(algorithm), key, signature, signed);
}

export async function digest_text(text) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toBase64(BASE64URL);
}

export function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

// sealing.rs

const IV_BYTES = 12;

async function key(secret, purpose) {
  const base = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveKey"]);
  const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: new TextEncoder().encode(purpose) };
  return crypto.subtle.deriveKey(hkdf, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

export async function seal(secret, purpose, context, plain) {
  const sealed = new Uint8Array(IV_BYTES + plain.length + 16);
  const iv = crypto.getRandomValues(sealed.subarray(0, IV_BYTES));
  const parameters = { name: "AES-GCM", iv, additionalData: context };
  const data = await crypto.subtle.encrypt(parameters, await key(secret, purpose), plain);
  sealed.set(new Uint8Array(data), IV_BYTES);
  return sealed.toBase64(BASE64URL);
}

export async function open(secret, purpose, context, text) {
  const derived = await key(secret, purpose);
  try {
    const sealed = Uint8Array.fromBase64(text, BASE64URL);
    const parameters = { name: "AES-GCM", iv: sealed.subarray(0, IV_BYTES), additionalData: context };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, derived, sealed.subarray(IV_BYTES)));
  } catch {
    return undefined;
  }
}

// objects.rs

const KEY = "state";

export function ask(namespace, name, message, ms) {
  // Each call makes a stub of its own, for one that has failed once fails for ever.
  const attempt = async () => namespace.getByName(name).call(message);
  return within(ms, () => attempt().catch(attempt), new Error("it took too long"));
}

export function settled(promise) {
  return promise.then(() => {}, () => {});
}

export function kept(object) {
  return object.ctx.storage.kv.get(KEY);
}

export function keep(object, text) {
  object.ctx.storage.kv.put(KEY, text);
}

export function wake(object, at) {
  return object.ctx.storage.setAlarm(at);
}

export function erase(object) {
  return object.ctx.storage.deleteAll();
}

export function background(object, work) {
  object.ctx.waitUntil(work);
}

export function depart(object, flight) {
  const land = () => {
    if (object.flight === flight) object.flight = undefined;
  };
  object.flight = flight;
  object.ctx.waitUntil(flight.then(land, land));
}
