// The commands that the page runs. All answer in JSON.

const CONFIG = 'gateway.config.json';
const VALUES = '.dev.vars';
const JWKS = 'jwks.json';

/** What a command could not do, in its own words. */
export class Unable extends Error {}

/** Returns the commands, as functions from texts to what they say; each is `undefined` if a later call has taken its place. */
export function commandsOf(engine) {
  async function ask(lane, request) {
    const result = await engine.run(lane, request);
    if (!result) return undefined;
    try {
      return JSON.parse(result.stdout);
    } catch {
      throw new Unable(
        result.stderr.replace(/^error: /, '').trim() || `the command ended with status ${result.status}`,
      );
    }
  }

  return {
    check: (config) => ask('check', { args: ['check', '--format', 'json', '-'], stdin: config }),
    routes: (config) => ask('routes', { args: ['routes', '--format', 'json', CONFIG], files: { [CONFIG]: config } }),
    diff: (before, after) =>
      ask('diff', {
        args: ['diff', '--format', 'json', 'before.json', 'after.json'],
        files: { 'before.json': before, 'after.json': after },
      }),
    /** @param {{ config: string, values: string, token: string, jwks: string }} texts */
    explainToken({ config, values, token, jwks }) {
      const files = { [CONFIG]: config, [VALUES]: values, ...(jwks && { [JWKS]: jwks }) };
      const keys = jwks ? ['--jwks', JWKS] : [];
      const args = ['token', 'explain', '-', '--config', CONFIG, '--values', VALUES, ...keys, '--format', 'json'];
      return ask('token', { args, files, stdin: token });
    },
    /** @param {{ config: string, values: string, token: string, jwks: string, request: Record<string, string>, session: boolean }} texts */
    explainRequest({ config, values, token, jwks, request, session }) {
      const files = { [CONFIG]: config, [VALUES]: values, ...(jwks && { [JWKS]: jwks }) };
      const args = [
        ...['request', 'explain', `${request.method} ${request.url}`, '--config', CONFIG, '--values', VALUES],
        ...request.headers
          .split('\n')
          .filter((line) => line.trim())
          .map((line) => `--header=${line.trim()}`),
        ...(request.bytes ? [`--body-bytes=${request.bytes}`] : []),
        ...(request.from ? [`--from=${request.from}`] : []),
        ...(session ? ['--session'] : []),
        ...(token ? ['--token', '-'] : []),
        ...(token && jwks ? ['--jwks', JWKS] : []),
        ...['--format', 'json'],
      ];
      return ask('request', { args, files, stdin: token });
    },
  };
}
