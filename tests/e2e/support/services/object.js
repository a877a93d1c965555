// An object with fetch: tells what it was called with, or does what the last segment of the path says.

const done = [];

const behaviours = {
  /** Tells what was done behind earlier answers. */
  done: () => Response.json(done),
  async later(request, env, ctx) {
    ctx.waitUntil(Promise.resolve().then(() => done.push(new URL(request.url).search)));
    return new Response(null, { status: 202 });
  },
  echo: (request) => new Response(request.body),
  elsewhere: () => Response.redirect('https://elsewhere.example/x', 303),
  answer() {
    const headers = new Headers({ 'content-type': 'application/x-own', 'x-request-id': 'of-the-service' });
    for (const cookie of ['first=1; Path=/', 'bargate-login=2', 'last=3']) headers.append('set-cookie', cookie);
    return new Response('own words', { status: 418, headers });
  },
  async stored(request, env) {
    await env.OWN.put('key', await request.text());
    return new Response(await env.OWN.get('key'));
  },
};

export default {
  name: 'object',

  async fetch(request, env, ctx) {
    const behaviour = behaviours[new URL(request.url).pathname.split('/').at(-1)];
    if (behaviour) return behaviour(request, env, ctx);
    return Response.json({
      self: this.name,
      count: arguments.length,
      variable: env.A_VARIABLE,
      method: request.method,
      url: request.url,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    });
  },
};
