// The table of what was walked, as text for a terminal and as docs/providers.md.

import { STEP_NAMES } from './walk.mjs';

const SIGNS = { passed: '✓', failed: '✗', 'not offered': '–', 'not reached': '' };

/** The rows of all walks, one a line. */
export const asText = (walks) =>
  walks.flatMap(({ provider, version, rows }) =>
    rows.map(({ step, outcome, reason, choice }) =>
      [`${provider} ${version}`, step, choice ? `${outcome}, needs ${choice}` : outcome, reason ?? '']
        .join(' | ')
        .replace(/ \| $/, ''),
    ),
  );

/** docs/providers.md. */
export function asPage(walks, absent) {
  const gaps = [];
  const lines = walks.map(({ provider, version, config, rows }) => {
    const cells = rows.map(({ outcome, choice }) => {
      if (!choice) return SIGNS[outcome];
      if (!gaps.includes(choice)) gaps.push(choice);
      return `✗ ${gaps.indexOf(choice) + 1}`;
    });
    return `| ${[provider, version, ...cells, `[config](../examples/providers/${config})`].join(' | ')} |`;
  });
  return `# Providers

<!-- Written by \`make interop\`. -->

Real servers that Bargate was tried against, each started as it comes or as the name says, with a client and a user made by its own
means. \`make interop\` installs them and walks every step in the Worker that would be deployed.

The config of each is a file to start from. Without its \`session\`, and without the logout paths that need one, it is the config of a
page that holds its tokens: both were walked.

| sign | meaning |
| --- | --- |
| ✓ | passed |
| ✗ | fails, for want of what stands [below](#what-is-missing) under the number |
| – | the provider does not offer it |
| (empty) | not reached, since a step before it fails |

## What was walked

| provider | version | ${STEP_NAMES.join(' | ')} | |
| --- | --- |${' --- |'.repeat(STEP_NAMES.length + 1)}
${lines.join('\n')}

## The steps

${STEPS_IN_WORDS}

## What is missing

${gaps.map((gap, index) => `${index + 1}. ${gap}`).join('\n')}
${absent.length ? `\n## What was not run\n\n${absent.map(({ name, reason }) => `- ${name}: ${reason}`).join('\n')}\n` : ''}`;
}

const STEPS_IN_WORDS = `- **discovery**: the gateway reads the provider's document and its keys.
- **login**: a person is led to the provider, logs in, agrees, and comes back with a code.
- **tokens**: the callback of a page that holds its tokens.
- **bearer**: the access token opens a path with \`auth\`.
- **profile**: the profile with that token.
- **refresh**: a new access token for the refresh token.
- **late duplicate**: the same refresh token once more, as a second tab sends it, gets as good an answer, and the login goes on.
- **session**: the callback of a session, and a call to the API with its cookie.
- **session profile**: the profile with the cookie.
- **renewal**: the access token of the session is renewed when it is about to expire.
- **logout**: the session ends, the provider logs the person out and leads back.
- **revocation**: the refresh token of the session is no longer good after the logout.
- **back-channel logout**: a logout at the provider ends the session here.`;
