// A KV namespace in memory, by the protocol that workerd speaks with one. Requests that are measured do not reach it.

const values = new Map();

export default {
  async fetch(request) {
    const key = new URL(request.url).pathname;
    if (request.method === 'PUT') values.set(key, await request.text());
    if (request.method === 'DELETE') values.delete(key);
    if (request.method !== 'GET') return new Response(null);
    return values.has(key) ? new Response(values.get(key)) : new Response(null, { status: 404 });
  },
};
