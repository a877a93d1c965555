// What the tests of services share: the modules of support/services/, the second Worker as Miniflare takes it, what makes the gateway
// be bound to it, and the mistakes that a config is told of.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, startGateway } from './harness.mjs';

const DIRECTORY = join(ROOT, 'tests/e2e/support');
const textOf = (file) => readFileSync(join(DIRECTORY, file), 'utf8');
const SECOND = 'second';

const MODULES = readdirSync(join(DIRECTORY, 'services'));

/** Options of a gateway that has the modules of support/services/ in place of those of services/. */
export const WITH_SERVICES = {
  entry: `
    import gateway from './worker.js';
    globalThis[Symbol.for('bargate.inputs')].services = {
      ${MODULES.map((name) => `'services/${name.replace('.js', '')}': () => import('./services/${name}'),`).join('\n')}
    };
    export default gateway;
  `,
  modules: {
    ...Object.fromEntries(MODULES.map((name) => [`services/${name}`, textOf(`services/${name}`)])),
    'service-answers.mjs': textOf('service-answers.mjs'),
  },
};

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

/**
 * A path that is answered by a function of the second Worker, or without one by its fetch.
 * @param {string} path
 * @param {string} [name]
 * @param {Record<string, any>} [more]
 */
export const bound = (path, name, more = {}) => ({
  method: 'ANY',
  path,
  integration: {
    type: 'service_binding',
    ...(name ? { binding: 'functions', function: name } : { binding: 'second' }),
  },
  ...more,
});

/** Returns the calls that the second Worker has noted since it was last asked. */
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
 * @param {any[][]} table
 * @param {Record<string, any>} [options]
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
