// The command line, in a Web Worker of the page. It is started from a `blob:` address and so has the page's own policy, which lets
// it connect to nothing, also if the page comes from a host that sends no headers.

import { run } from '../../packages/bargate/cli/run.mjs';

let program;

addEventListener('message', async ({ data }) => {
  if (data.program) {
    program = data.program;
    return;
  }
  const { id, request } = data;
  try {
    const { status, stdout, stderr } = await run(program, request);
    postMessage({ id, result: { status, stdout, stderr } });
  } catch (error) {
    postMessage({ id, failure: String(error?.message ?? error) });
  }
});
