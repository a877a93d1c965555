// What the tests of services share: the second Worker as Miniflare takes it, what makes the gateway be bound to it, and the mistakes
// that a config is told of.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { ROOT, startGateway } from './harness.mjs';

const DIRECTORY = join(ROOT, 'tests/e2e/support');
const SECOND = 'second';

/** Options of a gateway that is bound to the second Worker: as SECOND to its fetch, as FUNCTIONS to its functions. */
export const BOUND = {
  serviceBindings: { SECOND, FUNCTIONS: { name: SECOND, entrypoint: 'Functions' } },
  beside: [
    {
      name: SECOND,
      modulesRoot: DIRECTORY,
      modules: ['second-worker.mjs', 'service-answers.mjs'].map((file) => ({
        type: 'ESModule',
        path: join(DIRECTORY, file),
      })),
    },
  ],
};

/** The section of a config that names both bindings. */
export const SERVICE_BINDINGS = [
  { alias: 'second', binding: 'SECOND' },
  { alias: 'functions', binding: 'FUNCTIONS' },
];

/** A path that is answered by a function of the second Worker, or without one by its fetch. */
export const bound = (path, name, more = {}) => ({
  method: 'ANY',
  path,
  integration: {
    type: 'service_binding',
    ...(name ? { binding: 'functions', function: name } : { binding: 'second' }),
  },
  ...more,
});

/** Gives the calls that the second Worker has noted since it was last asked. */
export async function callsNoted(gateway) {
  const second = await gateway.miniflare.getWorker(SECOND);
  return (await second.fetch('http://second/calls')).json();
}

/** Asserts that a gateway answers nothing for what is wrong with its config, and gives what its log says of that. */
export async function mistakesOf(options, message) {
  const gateway = await startGateway(options);
  try {
    const { status, body, record } = await gateway.ask('/any');
    assert.deepEqual([status, body.code, record.code], [503, 'config_invalid', 'config_invalid'], message);
    return gateway
      .records()
      .filter((line) => line.code === 'config_invalid' && line.message)
      .map((line) => line.message);
  } finally {
    await gateway.close();
  }
}

/**
 * Asserts that each path of a table is told to be wrong, with the code and at the place that stand in its row, and nothing else is.
 * A row is [message, members of the path, code, place below the path]; `sections` are the rest of the config.
 */
export async function assertMistakes(table, { sections = {}, ...options } = {}) {
  const paths = table.map(([, path], index) => ({ method: 'GET', path: `/row-${index}`, ...path }));
  const mistakes = await mistakesOf({ config: { ...sections, paths }, ...options });
  for (const [index, [message, , code, place]] of table.entries()) {
    const beginning = ` error[${code}]: paths[${index}]${place}: `;
    assert.equal(
      mistakes.filter((mistake) => mistake.includes(beginning)).length,
      1,
      `${message}: ${beginning}\nin\n${mistakes.join('\n')}`,
    );
  }
  assert.equal(mistakes.length, table.length, mistakes.join('\n'));
}
