// Routes as `bargate routes --format json` prints them, for tests of the drawings.

import { execFileSync } from 'node:child_process';
import { ROOT, bargateProgram } from '../../scripts/toolchain.mjs';

const AUTH = {
  authorizer: 'users',
  scopes: [],
  any_scopes: [],
  permissions: [],
  claims: [],
  acr_values: [],
  max_age_seconds: null,
  optional: false,
};

/** A route that needs a token of `users` and goes to the upstream `api`, but for the changes. */
export function route(changes = {}) {
  const { auth, ...others } = changes;
  return {
    method: 'GET',
    host: null,
    path: '/orders',
    auth: auth === null ? null : { ...AUTH, ...auth },
    session: false,
    integration: 'http_proxy',
    target: 'api (https://api.example)',
    rules: [],
    entry: 'paths[0]',
    line: 1,
    column: 1,
    ...others,
  };
}

/** A config of many routes: `flat` has all of them in one branch. */
export function many(count, { flat = false } = {}) {
  return Array.from({ length: count }, (_, at) =>
    route({
      path: flat ? `/p${at}` : `/api/v${at % 7}/group${at % 40}/r${at}`,
      auth: [null, {}, { scopes: ['read:orders'] }][at % 3],
    }),
  );
}

/** Names that would be read as markup, as a statement or as another place by what is not careful. */
export const HOSTILE = [
  ['a script', '/<script>alert(1)</script>'],
  ['an image that fails', '/<img src=x onerror=alert(1)>'],
  ['the end of CDATA', '/]]>'],
  ['entities', '/&amp;&#60;&quot;'],
  ['quotation marks', '/"\'`'],
  ['brackets', '/[a](b){{c}}((d))'],
  ['a comment of Mermaid', '/%%{init: {"theme": "dark"}}%%'],
  ['words of Mermaid', '/end subgraph click class style linkStyle'],
  ['codes of Mermaid', '/#35;#quot;;'],
  ['Markdown', '/*a*_b_~~c~~`d`1. e'],
  ['an arrow', '/a-->b---c==>d'],
  ['right-to-left letters', '/שלום/{id}/مرحبا'],
  ['a text turned around', '/\u202edrowssap\u2066'],
  ['control characters', '/a\u0000b\u0007c\nd\u0085e\u001b[2J'],
  ['half a pair', '/\ud800x'],
  ['letters beyond the basic plane', '/\u{1f600}\u{20000}'],
  ['a math formula', '/$$x^2$$'],
  ['10 KiB in one segment', `/${'x'.repeat(10_240)}`],
  ['10 KiB of segments', '/ab'.repeat(3_414)],
];

/** Runs the command line, and returns the JSON that it prints. */
export function printed(...args) {
  const maxBuffer = 64 * 1024 * 1024;
  return JSON.parse(execFileSync(bargateProgram(), args, { cwd: ROOT, encoding: 'utf8', maxBuffer }));
}
