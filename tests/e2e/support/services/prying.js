// Answers with all that a module can read without being handed it, as a package could that it is built with.

import process from 'node:process';
import * as workers from 'cloudflare:workers';

const atImport = JSON.stringify([process.env, workers.env]);

const reachable = () => ({
  atImport,
  'process.env': process.env,
  globalThis: globalThis.process.env,
  builtin: process.getBuiltinModule('node:process').env,
  'cloudflare:workers': workers.env,
  exports: Object.keys(workers.exports),
});

export default {
  async fetch(request, env) {
    return Response.json({ handed: Object.keys(env), found: reachable() });
  },
};
