// `bargate map`: draws the routes of a config, or what a change does to them, as SVG or as Mermaid. The routes are those that the
// command line itself prints, the drawings those of the studio.

import { statSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { svgOfDiff, treeOfDiff } from '../../../../studio/map/diff.mjs';
import { mermaidOf } from '../../../../studio/map/mermaid.mjs';
import { svgOf } from '../../../../studio/map/svg.mjs';
import { treeOfRoutes } from '../../../../studio/map/tree.mjs';

const CONFIG = 'gateway.config.json';
const HELP = `Draws the routes of a config as a tree: what each asks for, where it leads, what is exposed

Usage: bargate map [OPTIONS] [FILE]

Arguments:
  [FILE]  The config; - reads standard input [default: ${CONFIG}]

Options:
      --old <FILE>       Draws what changed since this config instead
      --format <FORMAT>  A picture, or a flowchart for a README [default: svg] [possible values: svg, mermaid]
  -o, --output <FILE>    The output file, which is replaced if it exists; - prints to standard output [default: -]
  -h, --help             Print help
`;

/** What the command could not do: one line for people. */
class Failure extends Error {}

/**
 * Runs the command, and resolves to its exit status. `bargate` runs a command of the command line; captured, its output is
 * returned and not shown.
 *
 * @param {string[]} args
 * @param {{ bargate: (args: string[], options: { captured: true }) => Promise<{ status: number, stdout: string, stderr: string }>,
 *   print?: (text: string) => void, fail?: (text: string) => void }} shell
 */
export async function map(args, { bargate, print = write(process.stdout), fail = write(process.stderr) }) {
  try {
    const { help, file, old, format, output } = optionsOf(args);
    if (help) {
      print(HELP);
      return 0;
    }
    // The picture would be in place of the config.
    const input = [file, old].find((path) => path !== undefined && isSameFile(path, output));
    if (input !== undefined) throw new Failure(`-o ${output}: that is the config ${input}; name another file`);
    const command = old === undefined ? ['routes', file] : ['diff', old, file];
    const { status, stdout, stderr } = await bargate([...command, '--format', 'json'], { captured: true });
    // What could not be read is said there: with status 0, that a config has errors, of which only the rest is drawn.
    if (stderr) fail(stderr);
    if (status !== 0) return status;
    const drawn = draw(JSON.parse(stdout), { isChange: old !== undefined, file, format });
    if (output === '-') print(drawn);
    else save(output, drawn);
    return stderr ? 1 : 0;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    fail(`error: ${error.message}\n`);
    return 2;
  }
}

const write = (stream) => (text) => void stream.write(text);

function optionsOf(args) {
  const { values, positionals } = parsed(args);
  const [file = CONFIG, surplus] = positionals;
  if (surplus !== undefined) throw new Failure(`unexpected argument "${surplus}"; "bargate map --help" lists them`);
  if (!['svg', 'mermaid'].includes(values.format))
    throw new Failure(`--format "${values.format}": it is svg or mermaid`);
  return { ...values, file };
}

function parsed(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        old: { type: 'string' },
        format: { type: 'string', default: 'svg' },
        output: { type: 'string', short: 'o', default: '-' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new Failure(`${error.message.split('. ')[0]}; "bargate map --help" lists the options`);
  }
}

function draw(document, { isChange, file, format }) {
  const name = file === '-' ? 'standard input' : file;
  if (format === 'mermaid') return mermaidOf(isChange ? treeOfDiff(document) : treeOfRoutes(document));
  if (isChange) return svgOfDiff(document, { title: `Changes of ${name}` });
  return svgOf(treeOfRoutes(document), { title: `The routes of ${name}` });
}

/** Returns whether two paths lead to one file, by whatever links. */
function isSameFile(one, other) {
  if (one === '-' || other === '-') return false;
  const [first, second] = [one, other].map((path) => {
    try {
      return statSync(path, { bigint: true });
    } catch {
      // One that is not there yet is no other's.
      return undefined;
    }
  });
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}

function save(path, text) {
  try {
    writeFileSync(path, text);
  } catch (error) {
    throw new Failure(
      `${path}: cannot be written: ${error.code === 'ENOENT' ? 'its folder does not exist' : error.code}`,
    );
  }
}
