// The documents as mdBook reads them: a copy in the folders that they have in the project, so that a link from one to another
// stays as it is. The index of docs/ is the table of contents.

import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { posix } from 'node:path';
import { Failure } from '../toolchain.mjs';

/** Pages outside of docs/. */
const OTHER_PAGES = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];
const INDEX = 'docs/README.md';
/** The page about the studio, which a site has in a folder of its own. */
const STUDIO = 'docs/studio.md';
const STUDIO_LINK = '\n\n**[Open it here](../studio/index.html)**';

/** Writes the sources of the book, and returns how many pages it has. */
export function writeSources(root, target) {
  const pages = [...OTHER_PAGES, ...markdownFiles(root, 'docs')];
  const write = (path, text) => {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), text);
  };
  const read = (path) => readFileSync(join(root, path), 'utf8');
  // Whether a file that a page names is one that the site can have: it has no folders, and no pages but its own.
  const bring = (path) => {
    const source = join(root, path);
    if (!existsSync(source) || statSync(source).isDirectory() || path.endsWith('.md')) return false;
    mkdirSync(dirname(join(target, path)), { recursive: true });
    copyFileSync(source, join(target, path));
    return true;
  };
  for (const page of pages) {
    const pathOf = (address) => posix.join(posix.dirname(page), address);
    const source = read(page);
    for (const [, address] of source.matchAll(/<(?:img|source)\b[^>]*\bsrc(?:set)?="([^":]+)"/g))
      bring(pathOf(address));
    const text = mapLinks(source, (link, mark, text, address) => {
      if (/^(?:[a-z]+:|#)/.test(address)) return link;
      const [file, anchor] = address.split('#');
      const path = pathOf(file);
      if (pages.includes(path)) return `${mark}[${text}](${placeOf(file)}${anchor === undefined ? '' : `#${anchor}`})`;
      return bring(path) ? link : text;
    });
    write(placeOf(page), page === STUDIO ? text.replace(/^# .+$/m, `$&${STUDIO_LINK}`) : text);
  }
  write('SUMMARY.md', summary(pages, read));
  return pages.length;
}

/** mdBook makes `index.html` of a page with this name, and links to it are to say so. */
function placeOf(page) {
  return page.replace(/(^|\/)README\.md$/, '$1index.md');
}

/** Returns the table of contents: the entries of the index, each once and with the title of its page. */
function summary(pages, read) {
  const titleOf = (page) => /^# (.+)$/m.exec(read(page))?.[1] ?? page;
  const entry = (page) => `[${titleOf(page)}](${placeOf(page)})`;
  const lines = ['# Summary', '', entry('README.md'), entry(INDEX)];
  const seen = new Set(['README.md', INDEX]);
  for (const line of read(INDEX).split('\n')) {
    const part = /^\*\*(.+)\*\*$/.exec(line)?.[1];
    if (part) lines.push('', `# ${part}`, '');
    const address = /^(?:- |\| )\[[^\]]+\]\(([^)#:]+\.md)\)/.exec(line)?.[1];
    if (!address) continue;
    const page = posix.join(posix.dirname(INDEX), address);
    if (seen.has(page)) continue;
    seen.add(page);
    lines.push(`- ${entry(page)}`);
  }
  const missing = pages.filter((page) => !seen.has(page));
  if (missing.length > 0) throw new Failure(`${INDEX} does not name ${missing.join(', ')}`);
  return `${lines.join('\n')}\n`;
}

/** Replaces every link of a page, outside of its code. */
function mapLinks(source, replace) {
  let isCode = false;
  const lines = source.split('\n').map((line) => {
    if (/^\s*```/.test(line)) isCode = !isCode;
    // Diagrams are drawn later: nobody is to look for keywords in them.
    if (isCode) return line.replace(/^(\s*```)mermaid$/, '$1text mermaid');
    // A code span is left as it is, unless it is in the text of a link.
    return line.replace(/`[^`]*`|(!?)\[((?:`[^`]*`|[^\]`])*)\]\(([^)\s]+)\)/g, (whole, ...parts) =>
      parts[2] === undefined ? whole : replace(whole, ...parts),
    );
  });
  return lines.join('\n');
}

function markdownFiles(root, folder) {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort();
}
