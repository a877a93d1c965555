// How KV fails, as what its server does in place of answering (chaos/kv.mjs).

/** Texts that are no key set and no config. */
const RUBBISH = [
  '',
  '{',
  '[]',
  'null',
  '{"keys":[]}',
  '<!doctype html><title>502</title>',
  '\u0000\u0001\uFFFD',
  '{"fetched_at":"yesterday","document":{}}',
  `{"fetched_at":9007199254740991,"document":"{\\"keys\\":[]}"}`,
  `"${'x'.repeat(300_000)}"`,
];

/** Breaks every connection off. */
export const away = (_, response) => {
  response.socket.resetAndDestroy();
  return true;
};

/** Answers everything with a status. */
export const answering = (status) => (_, response) => {
  response.writeHead(status).end('KV is not to be had');
  return true;
};

/** Refuses whatever would change a value. */
export const readOnly = ({ operation }, response) => {
  if (operation === 'get' || operation === 'list') return false;
  response.writeHead(403).end('read-only');
  return true;
};

/** Gives what is not what was put, and takes what is put. @param {import('../random.mjs').Random} random */
export const rubbish =
  (random) =>
  ({ operation }, response) => {
    if (operation !== 'get') return false;
    response.end(random.pick(RUBBISH));
    return true;
  };

/**
 * Gives the values of a moment, whatever is put since.
 *
 * @param {Record<string, ReadonlyMap<string, string>>} values by namespace
 */
export const stale =
  (values) =>
  ({ operation, namespace, key }, response) => {
    if (operation !== 'get') return false;
    const value = values[namespace]?.get(key);
    if (value === undefined) response.writeHead(404).end();
    else response.end(value);
    return true;
  };

/** Answers nothing until it is let go; `arrived` resolves when so many requests wait. */
export function holding() {
  const waiting = [];
  const arrivals = [];
  let isOver = false;
  return {
    instead: (request, response) => {
      if (isOver) return false;
      waiting.push(response);
      for (const { count, resolve } of arrivals) if (waiting.length >= count) resolve(undefined);
      return true;
    },
    arrived: (count) => {
      const { promise, resolve } = Promise.withResolvers();
      arrivals.push({ count, resolve });
      if (waiting.length >= count) resolve(undefined);
      return promise;
    },
    /** Ends what waits, unanswered. */
    release() {
      isOver = true;
      for (const response of waiting) response.destroy();
    },
  };
}
