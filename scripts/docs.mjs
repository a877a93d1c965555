// `make docs`: the documents as a static site in build/site/, made by mdBook, with the studio in it, and with every link of
// the built pages checked. The documents stay as GitHub shows them: what a site needs besides is added to a copy.

import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lostLinks } from './docs/links.mjs';
import { writeSources } from './docs/sources.mjs';
import { provideMdbook, setup } from './setup.mjs';
import { buildStudio } from './studio.mjs';
import { Failure, ROOT, TOOLS, main, run, spoken } from './toolchain.mjs';

/** What is the same for each page: the book's settings, the style, the diagrams. */
const OWN = join(ROOT, 'scripts', 'docs', 'page');
/** What mdBook reads. */
const BOOK = join(ROOT, 'build', 'book');
/** What it writes. */
const SITE = join(ROOT, 'build', 'site');
/** Draws the diagrams, without a call to anybody. */
const MERMAID = join(ROOT, 'node_modules', '@mermaid-js', 'tiny', 'dist', 'mermaid.tiny.js');

export async function buildSite() {
  const startedAt = Date.now();
  rmSync(BOOK, { recursive: true, force: true });
  const count = writeSources(ROOT, join(BOOK, 'src'));
  cpSync(OWN, BOOK, { recursive: true });
  await run(TOOLS.mdbook, ['build', '--dest-dir', SITE, BOOK], { failure: 'mdbook failed: the lines above say why' });
  cpSync(MERMAID, join(SITE, 'mermaid.js'));
  await buildStudio(join(SITE, 'studio'));
  const { links, lost } = lostLinks(SITE);
  if (lost.length > 0) throw new Failure(`links that lead nowhere:\n  ${lost.join('\n  ')}`);
  const took = spoken((Date.now() - startedAt) / 1000);
  console.log(`docs: ${count} pages, ${links} links checked, in ${took}. Open build/site/index.html`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    await setup();
    await provideMdbook();
    await buildSite();
  });
}
