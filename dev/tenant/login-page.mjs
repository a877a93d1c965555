// The tenant's login page and error page: plain HTML that needs no script and nothing from elsewhere.

import { createHash } from 'node:crypto';

const STYLE = `
:root { color-scheme: light dark; --accent: #1f5fbf; --line: #8885; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1rem;
  font: 16px/1.5 system-ui, sans-serif; background: light-dark(#eef1f6, #14171c); color: light-dark(#1b1f27, #e8eaf0); }
main { width: 100%; max-width: 24rem; padding: 2rem; border: 1px solid var(--line); border-radius: 12px;
  background: light-dark(#fff, #1d2129); box-shadow: 0 8px 32px #0002; }
h1 { margin: 0 0 .25rem; font-size: 1.4rem; }
p { margin: 0 0 1.25rem; color: light-dark(#555c6b, #a9b0bf); }
label { display: block; margin: 0 0 .25rem; font-weight: 600; }
input { width: 100%; margin: 0 0 1rem; padding: .6rem .75rem; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 8px; }
button { width: 100%; padding: .7rem; font: inherit; font-weight: 600; border-radius: 8px; cursor: pointer;
  border: 1px solid var(--accent); background: var(--accent); color: #fff; }
button.plain { margin-top: .75rem; background: transparent; color: inherit; border-color: var(--line); }
input:focus-visible, button:focus-visible { outline: 3px solid #5b9bff; outline-offset: 2px; }
code { font-size: .95em; }
`;

// No form-action: browsers apply it to the redirects after the form too, and those lead to the application.
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
const escapeHtml = (text) => String(text).replace(/[&<>"']/g, (character) => ENTITIES[character]);

const page = (title, content) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${content}
</main>
</body>
</html>
`;

const SECOND_FACTOR_FIELD = `<label for="code">One-time code</label>
<input id="code" name="code" autocomplete="one-time-code">`;

/**
 * The form. It posts `username`, `password` and `action` (`login` or `deny`) to its own address, and `code` if a second factor is asked
 * for: any code is one, and none is a login without.
 */
export function loginPage({ clientId, loginHint = '', secondFactor = false }) {
  return page(
    'Log in · local tenant',
    `<h1>Log in</h1>
<p>to <code>${escapeHtml(clientId)}</code>. This tenant is local: any e-mail address and any password will do.</p>
<form method="post">
<label for="username">E-mail address</label>
<input id="username" name="username" type="email" required autocomplete="username" autofocus
 value="${escapeHtml(loginHint)}">
<label for="password">Password</label>
<input id="password" name="password" type="password" required autocomplete="current-password">
${secondFactor ? SECOND_FACTOR_FIELD : ''}
<button type="submit" name="action" value="login">Log in</button>
<button type="submit" name="action" value="deny" class="plain" formnovalidate>Deny</button>
</form>`,
  );
}

/** The form that asks for consent. It posts `action` (`login` or `deny`) to its own address. */
export function consentPage({ clientId, scope }) {
  return page(
    'Consent · local tenant',
    `<h1>Consent</h1>
<p><code>${escapeHtml(clientId)}</code> asks for <code>${escapeHtml(scope)}</code>.</p>
<form method="post">
<button type="submit" name="action" value="login">Allow</button>
<button type="submit" name="action" value="deny" class="plain">Deny</button>
</form>`,
  );
}

/** The page for errors that cannot redirect: an unknown client, an unregistered redirect_uri. */
export function errorPage(error, description = '') {
  return page(
    'Error · local tenant',
    `<h1>${escapeHtml(error)}</h1>
<p>${escapeHtml(description)}</p>`,
  );
}
