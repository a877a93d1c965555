// The second Worker, to which the gateway of the tests is bound: it tells what it was called with, or answers as it is asked to.
// It runs in workerd; service-flow.mjs starts it.

import { WorkerEntrypoint } from 'cloudflare:workers';
import { THROWN, answerOf } from './service-answers.mjs';

// Calls of functions whose answer does not reach the client; read at /calls.
const calls = [];

/** Everything there is to know of a request. */
async function toldOf(request) {
  const { method, url, redirect } = request;
  return { method, url, redirect, headers: Object.fromEntries(request.headers), body: await request.text() };
}

function note(name, request, environment, context, ...more) {
  const { method, url, headers } = request;
  calls.push({
    name,
    method,
    url,
    headers: Object.fromEntries(headers),
    environment,
    context: JSON.parse(context),
    more,
  });
}

function socket() {
  const [client, server] = Object.values(new WebSocketPair());
  server.accept();
  server.addEventListener('message', ({ data }) => server.send(`heard ${data}`));
  return new Response(null, { status: 101, webSocket: client });
}

/** What the last segment of the path asks for. */
const BEHAVIOURS = {
  calls: () => Response.json(calls.splice(0)),
  echo: (request) =>
    new Response(request.body, { headers: { 'content-type': request.headers.get('content-type') ?? 'text/plain' } }),
  socket,
  throw() {
    throw new Error('out of paper in tray 2');
  },
  nothing: () => undefined,
  elsewhere: () => Response.redirect('https://elsewhere.example/x', 302),
  empty: () => new Response(null, { status: 204 }),
  answer: () => {
    const headers = new Headers({
      'content-type': 'application/x-own',
      etag: '"e"',
      'x-request-id': 'of-the-service',
      'keep-alive': 'timeout=7',
      connection: 'x-hop',
      'x-hop': '1',
    });
    for (const cookie of ['first=1; Path=/', 'bargate-login=2', 'bargate=3', 'last=4'])
      headers.append('set-cookie', cookie);
    return new Response('own words', { status: 418, headers });
  },
};

export default {
  async fetch(request) {
    const behaviour = BEHAVIOURS[new URL(request.url).pathname.split('/').at(-1)];
    return behaviour ? behaviour(request) : Response.json(await toldOf(request));
  },
};

export class Functions extends WorkerEntrypoint {
  /** Tells all of its arguments. */
  async tell(request, ...others) {
    return Response.json({ request: await toldOf(request), others });
  }

  async answer(request) {
    return answerOf(new URL(request.url).searchParams.get('when'));
  }

  async respond(request) {
    return BEHAVIOURS[new URL(request.url).pathname.split('/').at(-1)](request);
  }

  async fail(request) {
    throw THROWN[new URL(request.url).searchParams.get('when')]();
  }

  get constant() {
    return 7;
  }

  /** Judges a request before its integration, by its own words. */
  async judge(request, environment, context, ...more) {
    note('judge', request, environment, context, ...more);
    const verdict = request.headers.get('x-verdict') ?? 'true';
    if (verdict === 'read') return (await request.text()).length > 0;
    if (verdict === 'cancel') {
      await request.body.cancel();
      return true;
    }
    if (verdict === 'throw') throw new Error('the judge is out');
    if (verdict === 'stop')
      return new Response('stopped', { status: 451, headers: { 'x-judge': 'yes', 'set-cookie': 'judged=1' } });
    return {
      true: true,
      false: false,
      one: 1,
      text: 'true',
      object: { ok: true },
      null: null,
      error: { error: 'no' },
      failure: Response.error(),
    }[verdict];
  }

  /** Is told who has logged in; refuses those whose name begins with "refused", and answers what is to be dropped. */
  async arrived(request, environment, context, ...more) {
    note('arrived', request, environment, context, ...more);
    const { email } = JSON.parse(context).claims;
    if (email.startsWith('refused')) throw new Error('not in our books');
    return new Response('dropped', { status: 403, headers: { 'set-cookie': 'dropped=1' } });
  }
}
