// Where the links of built pages lead, within the site. Other sites are not asked.

import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** Pages for the whole book at once, and the one for an address that is not there: their links are those of others. */
const SKIPPED = ['print.html', 'toc.html', '404.html'];

/** Follows every link of a site's pages: how many there are, and which lead to no file, or to nothing in it. */
export function lostLinks(site) {
  const names = new Map();
  const namesIn = (file) => {
    if (!names.has(file)) names.set(file, new Set(valuesOf(readFileSync(file, 'utf8'), ['id', 'name'])));
    return names.get(file);
  };
  let links = 0;
  const lost = [];
  for (const page of pagesOf(site)) {
    for (const address of valuesOf(readFileSync(page, 'utf8'), ['href', 'src'])) {
      if (/^(?:[a-z][a-z+.-]*:|\/\/)/i.test(address)) continue;
      links += 1;
      const [path, anchor] = address.split('#');
      const file = path === '' ? page : resolve(dirname(page), decodeURIComponent(path.split('?')[0]));
      const says = (fault) => lost.push(`${relative(site, page)}: ${address} ${fault}`);
      if (!existsSync(file)) says('is not there');
      else if (statSync(file).isDirectory()) says('is a folder, which has no page where files are opened from a disk');
      else if (anchor && file.endsWith('.html') && !namesIn(file).has(decodeURIComponent(anchor))) says('is not in it');
    }
  }
  return { links, lost };
}

function pagesOf(site) {
  return readdirSync(site, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.html') && !SKIPPED.includes(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** The values of attributes in a page's tags. Scripts and code have no tags: their `<` is escaped, or they are left out. */
function valuesOf(html, attributes) {
  const text = html.replace(/<script(\b[^>]*)>.*?<\/script>/gs, '<script$1>').replace(/<!--.*?-->/gs, '');
  const pattern = new RegExp(`\\s(?:${attributes.join('|')})="([^"]*)"`, 'g');
  return [...text.matchAll(/<[a-z][^<>]*>/gi)].flatMap(([tag]) =>
    [...tag.matchAll(pattern)].map(([, value]) => decoded(value)),
  );
}

function decoded(value) {
  const names = { amp: '&', lt: '<', gt: '>', quot: '"', '#39': "'", '#x27': "'" };
  return value.replace(/&(amp|lt|gt|quot|#39|#x27);/g, (_, name) => names[name]);
}
