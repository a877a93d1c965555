// Prints the results of all walks, as text for a terminal and as docs/providers.md, which also lists the configs that nobody has run.

import { readdirSync } from 'node:fs';
import { CLIENT_STEPS } from './clients.mjs';
import { EXAMPLES, exampleConfig } from './gateway.mjs';
import { STEP_NAMES } from './walk.mjs';

const CLIENT_STEP_NAMES = Object.keys(CLIENT_STEPS);
const SIGNS = { passed: '✓', failed: '✗', 'not offered': '–', 'not reached': '' };

/** Returns the rows of all walks, one per line. */
export const asText = (walks) =>
  walks.flatMap(({ provider, version, rows }) =>
    rows.map(({ step, outcome, reason, choice }) =>
      [`${provider} ${version}`, step, choice ? `${outcome}, needs ${choice}` : outcome, reason ?? '']
        .join(' | ')
        .replace(/ \| $/, ''),
    ),
  );

/** Returns the text of docs/providers.md. */
export function asPage(walks, clientWalks, absent) {
  const gaps = [];
  const line = ({ provider, version, rows }, last) => {
    const cells = rows.map(({ outcome, choice }) => {
      if (!choice) return SIGNS[outcome];
      if (!gaps.includes(choice)) gaps.push(choice);
      return `✗ ${gaps.indexOf(choice) + 1}`;
    });
    return `| ${[provider, version, ...cells, last].join(' | ')} |`;
  };
  const lines = walks.map((walked) => line(walked, configLink(walked.config)));
  const clientLines = clientWalks.map((walked) => line(walked, walked.way));
  return `# Providers

<!-- Written by \`make interop\`. -->

\`npm create bargate@latest my-gateway -- --provider NAME\` makes a project for your provider. It has the config, the variables to fill in,
and in its README what to set at the provider. In a project that you have, \`npx bargate init --provider NAME --force --dev-vars\` replaces the
config, writes the variables to \`.dev.vars\`, and prints what to set. NAME is the name of a config [below](#results), or of one that was
[documented, not run](#documented-not-run), such as \`keycloak\`, \`google\` or \`entra-id\`; for a provider that is in neither table, it is
\`oidc\`. Then continue with [step 5 of the quick start](quick-start.md#5-run-it-with-your-tenant).

Bargate is tested with real servers. Each has its default settings, or those that its name says. A client and a user are made by the
server's own means. \`make interop\` installs the servers and walks every step with the Worker that would be deployed.

Each has a config to start from, which is walked twice: as it is, with sessions; and for a page that holds its tokens, without
\`session\` and the logout paths that need one.

| sign | meaning |
| --- | --- |
| ✓ | passed |
| ✗ | failed; the number says [below](#what-is-missing) what is missing, and whether Bargate lacks it |
| – | the provider does not offer it |
| (empty) | not reached, because an earlier step failed |

## Results

| provider | version | ${STEP_NAMES.join(' | ')} | config |
| --- | --- |${' --- |'.repeat(STEP_NAMES.length + 1)}
${lines.join('\n')}

## The steps

${STEPS_IN_WORDS}

## Clients

Real client libraries call the gateway: browser libraries from pages in Chromium, the others from Node.js or Python. The provider is the
local tenant of \`make dev\`. The signs are those above.

| client | version | ${CLIENT_STEP_NAMES.join(' | ')} | its tokens |
| --- | --- |${' --- |'.repeat(CLIENT_STEP_NAMES.length + 1)}
${clientLines.join('\n')}

${CLIENT_STEP_NAMES.map((name) => `- **${name}**: ${CLIENT_STEPS[name]}`).join('\n')}

## What is missing

${gaps.map((gap, index) => `${index + 1}. ${gap}`).join('\n')}

${documentedSection()}
${absent.length ? `\n## What was not run\n\n${absent.map(({ name, reason }) => `- ${name}: ${reason}`).join('\n')}\n` : ''}`;
}

const configLink = (file) => `[${file.replace('.json', '')}](../examples/providers/${file})`;

/** Returns the section of the configs that follow a documentation and were not run. */
export function documentedSection() {
  const rows = readdirSync(EXAMPLES)
    .sort()
    .flatMap((file) => {
      const { title, 'x-documented-not-run': followed } = exampleConfig(file);
      if (!followed) return [];
      const pages = followed.pages.map((page, index) => `[${index + 1}](${page})`).join(', ');
      return [`| ${title} | ${configLink(file)} | ${pages} | ${followed.date} |`];
    });
  return `## Documented, not run

These configs follow the documentation of providers that cannot be installed here. Nobody has run them. \`bargate init --provider NAME\`
writes each of them, and each of those above. The date is the newest of its pages; where they have none, it is the date on which a copy
of them was read.

| provider | config | follows | date |
| --- | --- | --- | --- |
${rows.join('\n')}`;
}

const STEPS_IN_WORDS = `- **discovery**: the gateway reads the provider's document and its keys.
- **login**: a person goes to the provider, logs in, consents, and comes back with a code.
- **tokens**: the callback gives tokens to a page that holds them.
- **bearer**: the access token is accepted on a path with \`auth\`.
- **profile**: the gateway returns the profile for that token.
- **refresh**: the refresh token brings a new access token.
- **late duplicate**: a second tab sends the same refresh token later and also gets valid tokens, and the login goes on.
- **session**: the callback begins a session, and its cookie is accepted in a call to the API.
- **session profile**: the gateway returns the profile for the cookie.
- **renewal**: the gateway renews the session's access token shortly before it expires.
- **logout**: the session ends; the provider logs the person out and redirects back.
- **revocation**: after the logout, the provider no longer accepts the session's refresh token.
- **back-channel logout**: a logout at the provider ends the session at the gateway.`;
