// The drawings, read by those who read them: SVG by an XML parser and a browser, Mermaid by Mermaid.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '../../scripts/toolchain.mjs';
import { svgOfDiff } from '../../studio/map/diff.mjs';
import { mermaidOf } from '../../studio/map/mermaid.mjs';
import { printable, shortened } from '../../studio/map/printable.mjs';
import { svgOf } from '../../studio/map/svg.mjs';
import { treeOfRoutes } from '../../studio/map/tree.mjs';
import { launchChromium } from '../e2e/support/chromium.mjs';
import { HOSTILE, many, printed, route } from './routes.mjs';

let browser;
let page;

before(async () => {
  browser = await launchChromium();
  page = await (await browser.newContext()).newPage();
  page.on('dialog', (dialog) => dialog.dismiss());
  await page.addScriptTag({ path: join(ROOT, 'node_modules/@mermaid-js/tiny/dist/mermaid.tiny.js') });
});

after(() => browser?.close());

/** Returns the texts of a picture, and what is wrong with it as XML. */
function read(svg) {
  return page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
    return {
      error: parsed.querySelector('parsererror')?.textContent ?? null,
      names: [...new Set(Array.from(parsed.querySelectorAll('*'), ({ localName }) => localName))].sort(),
      texts: Array.from(parsed.querySelectorAll('text'), (one) => one.lastChild?.textContent ?? ''),
      width: Number(parsed.documentElement.getAttribute('width')),
    };
  }, svg);
}

/** Draws a flowchart, and returns the texts of its nodes and what else came into the page. */
function draw(flowchart) {
  return page.evaluate(async (text) => {
    const { mermaid } = /** @type {any} */ (globalThis);
    mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' });
    const { svg } = await mermaid.render('drawn', text);
    const body = new DOMParser().parseFromString(svg, 'text/html').body;
    return {
      texts: Array.from(body.querySelectorAll('.nodeLabel'), (node) => {
        for (const line of node.querySelectorAll('br')) line.replaceWith('\n');
        return node.textContent;
      }),
      edges: body.querySelectorAll('.flowchart-link').length,
      foreign: body.querySelectorAll(
        '.nodeLabel script, .nodeLabel img, .nodeLabel em, .nodeLabel strong, .nodeLabel a',
      ).length,
    };
  }, flowchart);
}

describe('a picture', () => {
  test('has each text as text', async () => {
    const routes = [route({ path: '/a/{id}', auth: { scopes: ['read:a'] } }), route({ path: '/b', auth: null })];
    const { error, texts } = await read(svgOf(treeOfRoutes(routes)));
    assert.equal(error, null);
    for (const text of [
      'every host',
      'GET /a/{id}',
      '● users',
      '◆ read:a',
      '→ api (https://api.example)',
      'GET /b',
      '▲ exposed',
    ])
      assert.ok(texts.includes(text), `${text}: ${texts.join(' | ')}`);
  });

  for (const [what, path] of HOSTILE) {
    test(`is valid with ${what}`, async () => {
      const hostile = route({
        path,
        host: path.slice(1, 40),
        target: path,
        auth: { authorizer: path, scopes: [path] },
      });
      const { error, names, texts, width } = await read(svgOf(treeOfRoutes([hostile]), { title: path }));
      assert.equal(error, null);
      assert.deepEqual(
        names,
        ['path', 'rect', 'style', 'svg', 'text', 'title'].filter((name) => names.includes(name)),
      );
      assert.ok(texts.includes(shortened(`GET ${printable(path)}`, 56)), texts.join(' | '));
      assert.ok(width < 3000, String(width));
    });
  }

  test('of 10,000 routes is valid, and folds what does not fit', async () => {
    for (const flat of [true, false]) {
      const { error, texts } = await read(svgOf(treeOfRoutes(many(10_000, { flat })), { rows: 500 }));
      assert.equal(error, null);
      assert.ok(
        texts.some((text) => (flat ? text === '… 9500 more' : text.endsWith(' routes'))),
        `flat: ${flat}`,
      );
    }
  });

  test('of no routes is valid', async () => {
    assert.equal((await read(svgOf([]))).error, null);
  });

  test('of a change says what it exposes, also what no route does', async () => {
    const diff = printed(
      'diff',
      '--format',
      'json',
      'tests/cli/diff.in/before.json',
      'tests/cli/diff.in/gateway.config.json',
    );
    const { error, texts } = await read(svgOfDiff({ ...diff, section_exposures: ['session: keeps sessions longer'] }));
    assert.equal(error, null);
    for (const text of [
      '▲ exposes: session: keeps sessions longer',
      '▲ exposes: a public path appears',
      '− GET /users/{id}',
    ])
      assert.ok(texts.includes(text), `${text}: ${texts.join(' | ')}`);
  });

  test('is as wide as what it shows, in the fonts of this machine', async () => {
    const routes = [
      route({ path: `/${'m'.repeat(50)}`, target: 'w'.repeat(50) }),
      route({ path: '/漢字/漢字', target: '漢字' }),
    ];
    await page.setContent(svgOf(treeOfRoutes(routes)));
    const spills = await page.evaluate(() => {
      const frame = document.querySelector('svg').getBoundingClientRect();
      return Array.from(document.querySelectorAll('text'))
        .filter((text) => text.getBoundingClientRect().right > frame.right)
        .map(({ textContent }) => textContent);
    });
    assert.deepEqual(spills, []);
  });

  test('is dark on a dark page', async () => {
    await page.setContent(svgOf(treeOfRoutes([route()])));
    const fill = () => page.evaluate(() => getComputedStyle(document.querySelector('.page')).fill);
    await page.emulateMedia({ colorScheme: 'light' });
    assert.equal(await fill(), 'rgb(255, 255, 255)');
    await page.emulateMedia({ colorScheme: 'dark' });
    assert.equal(await fill(), 'rgb(20, 24, 31)');
  });
});

describe('a flowchart', () => {
  test('is read by Mermaid, with an edge to each node but the first', async () => {
    const { texts, edges } = await draw(
      mermaidOf(treeOfRoutes(printed('routes', '--format', 'json', 'gateway.config.json'))),
    );
    assert.equal(edges, texts.length - 1);
    assert.ok(
      texts.includes('GET /profile\n● default\n■ or session\n→ profile at $env.AUTH0_DOMAIN'),
      texts.join(' | '),
    );
  });

  for (const [what, path] of HOSTILE) {
    test(`is read with ${what}`, async () => {
      const hostile = route({ path, host: path.slice(1, 40), target: path, auth: { scopes: [path] } });
      const { texts, foreign } = await draw(mermaidOf(treeOfRoutes([hostile])));
      assert.equal(foreign, 0);
      assert.equal(texts.length, 2);
      // A word joiner keeps dollar signs apart.
      assert.equal(texts[1].split('\n')[0].replaceAll('\u2060', ''), shortened(`GET ${printable(path)}`, 72));
    });
  }

  test('of 1,000 and 10,000 routes keeps to what Mermaid takes', async () => {
    const short = many(1_000, { flat: true }).map((one) => ({ ...one, auth: null, integration: 'health', target: '' }));
    assert.ok(mermaidOf(treeOfRoutes(short)).split('-->').length <= 500, 'short ones');
    for (const count of [1_000, 10_000]) {
      for (const flat of [true, false]) {
        const text = mermaidOf(treeOfRoutes(many(count, { flat })));
        assert.ok(text.length < 50_000, `${count} ${flat}: ${text.length}`);
        assert.ok(text.split('-->').length <= 500, `${count} ${flat}`);
        assert.equal(
          await page.evaluate((one) => /** @type {any} */ (globalThis).mermaid.parse(one).then(Boolean), text),
          true,
        );
      }
    }
  });
});
