// The tree of routes on a page, as WAI-ARIA describes a tree view: one stop for the Tab key, arrows within, Enter or Space to select.
// Rows of folded branches are not made, and rows that stay the same are kept, so that a thousand routes follow each keystroke.

import { printable } from './printable.mjs';
import { firstOpen } from './tree.mjs';
import { KINDS, badges, demand, describe, destination, spokenDemand, summaryOf } from './words.mjs';

/** How many rows are open at first. */
const ROWS_AT_FIRST = 150;
/** How many rows are open at most when all are opened at once. */
const ROWS_MAX = 3000;
/** How many children of a branch are made at once; a last row makes as many again. */
const CHILDREN_AT_ONCE = 250;
/** How long letters typed one after another make one word, in milliseconds. */
const TYPED_TOGETHER_MS = 700;

/**
 * Makes a view of a tree of routes. `onSelect` gets the item that is selected, or null if it is no longer there.
 * @param {{ document?: Document, label?: string, onSelect?: (item: import('./tree.mjs').Item | null) => void }} [options]
 */
export function mapView({ document = globalThis.document, label = 'Routes', onSelect = () => {} } = {}) {
  const element = document.createElement('ul');
  element.className = 'map';
  element.dir = 'ltr';
  element.setAttribute('role', 'tree');
  element.setAttribute('aria-label', label);
  return new MapView(element, onSelect).handle();
}

class MapView {
  #element;
  #onSelect;
  #items = [];
  /** How many rows are open of themselves. */
  #rowsMax = ROWS_AT_FIRST;
  /** The ids of the branches that are open of themselves. */
  #open = new Set();
  /** Which branches a person has opened or folded. */
  #toggled = new Map();
  #selected = null;
  #current = null;
  /** How many children of a branch are made, if more than at once. */
  #made = new Map();
  /** The rows that are shown, by id. */
  #rows = new Map();
  #typed = { text: '', at: 0 };

  constructor(element, onSelect) {
    this.#element = element;
    this.#onSelect = onSelect;
    element.addEventListener('click', (event) => this.#onClick(event));
    element.addEventListener('keydown', (event) => this.#onKey(event));
    element.addEventListener('focusin', (event) => {
      const id = event.target.closest?.('[role=treeitem]')?.dataset.id;
      if (id !== undefined) this.#makeCurrent(id);
    });
  }

  handle() {
    return {
      /** The element of the view. */
      element: this.#element,
      /** Shows a tree; what is open and selected stays so, as far as it is in it. */
      update: (items) => this.#update(items),
      /** Selects the row of an id, opens the way to it, and scrolls it into sight. */
      select: (id) => this.#reveal(id),
      /** Opens all branches, as many as a page bears. */
      openAll: () => this.#unfold(ROWS_MAX),
      /** Folds all branches but those of names. */
      foldAll: () => this.#unfold(0),
    };
  }

  #update(items) {
    this.#items = items;
    this.#open = firstOpen(items, this.#rowsMax);
    this.#render();
    if (this.#selected === null) return;
    const selected = this.#find(this.#selected);
    if (!selected) this.#selected = null;
    this.#onSelect(selected?.item ?? null);
  }

  #unfold(rows) {
    this.#rowsMax = rows;
    this.#open = firstOpen(this.#items, rows);
    this.#toggled.clear();
    this.#render();
  }

  #isOpen({ id, children }) {
    return children.length > 0 && (this.#toggled.get(id) ?? this.#open.has(id));
  }

  #render() {
    const hadFocus = this.#element.contains(this.#element.ownerDocument.activeElement);
    const kept = this.#rows;
    this.#rows = new Map();
    /** @type {{ group: Element, items: any[], depth: number, parent: string | null }[]} */
    const groups = [{ group: this.#element, items: this.#items, depth: 1, parent: null }];
    for (let next = groups.pop(); next; next = groups.pop()) {
      const { group, items, depth, parent } = next;
      const count = Math.min(items.length, this.#made.get(parent) ?? CHILDREN_AT_ONCE);
      const elements = [];
      for (let at = 0; at < count; at++) {
        const item = items[at];
        const isOpen = this.#isOpen(item);
        const row = this.#row(item, kept.get(item.id), isOpen, { depth, at, of: items.length, parent });
        elements.push(row.element);
        if (isOpen) groups.push({ group: row.group, items: item.children, depth: depth + 1, parent: item.id });
      }
      if (count < items.length) elements.push(this.#moreRow(items.length - count, parent, depth, count, items.length));
      setChildren(group, elements);
    }
    if (!this.#rows.has(this.#current)) this.#current = this.#items[0]?.id ?? null;
    for (const [id, { line }] of this.#rows) set(line, 'tabindex', id === this.#current ? '0' : '-1');
    if (hadFocus) this.#rows.get(this.#current)?.line.focus();
  }

  #row(item, kept, isOpen, place) {
    const words = wordsOf(item);
    const signature = JSON.stringify([words, isOpen, item.children.length > 0, place.depth, place.at, place.of]);
    const row = kept?.signature === signature ? kept : this.#make(item, words, isOpen, place, signature);
    row.item = item;
    row.parent = place.parent;
    set(row.line, 'aria-selected', String(item.id === this.#selected));
    this.#rows.set(item.id, row);
    return row;
  }

  #make(item, words, isOpen, { depth, at, of }, signature) {
    const make = (name, classes, text) => {
      const made = this.#element.ownerDocument.createElement(name);
      if (classes) made.className = classes;
      if (text !== undefined) made.textContent = text;
      // Letters that are written from right to left must not turn the slashes around them.
      if (name === 'bdi') made.dir = 'ltr';
      return made;
    };
    const element = make('li', item.children.length ? '' : 'map-leaf');
    element.setAttribute('role', 'none');
    const line = make('div', `map-row${words.mark ? ` map-${words.mark}` : ''}`);
    line.setAttribute('role', 'treeitem');
    line.setAttribute('aria-level', depth);
    line.setAttribute('aria-posinset', at + 1);
    line.setAttribute('aria-setsize', of);
    line.dataset.id = item.id;
    line.style.setProperty('--map-depth', depth);
    // What is read out is text, too: a label would hide that the row says the same in signs.
    line.append(make('span', 'map-spoken', words.spoken));
    const showHidden = (...parts) => {
      for (const part of parts) part.setAttribute('aria-hidden', 'true');
      line.append(...parts);
    };
    if (item.children.length) {
      line.setAttribute('aria-expanded', String(isOpen));
      showHidden(make('span', 'map-fold', isOpen ? '▾' : '▸'));
    }
    const name = make('span', `map-name${item.entry ? '' : ' map-branch'}`);
    if (words.mark) name.append(make('span', 'map-mark', `${KINDS[words.mark].sign} `));
    if (words.method) name.append(make('span', 'map-method', words.method), ' ');
    name.append(make('bdi', 'map-path', words.label));
    const shown = make('span', 'map-badges');
    for (const { kind, text } of isOpen ? [] : words.badges)
      shown.append(make('bdi', `map-badge map-${kind ?? 'soft'}`, kind ? `${KINDS[kind].sign} ${text}` : text));
    showHidden(name, shown);
    if (words.destination) showHidden(make('bdi', 'map-to', `→ ${words.destination}`));
    for (const exposure of words.exposures) showHidden(make('span', 'map-note map-exposed', `▲ exposes: ${exposure}`));
    element.append(line);
    const group = isOpen ? make('ul') : undefined;
    group?.setAttribute('role', 'group');
    if (group) element.append(group);
    return { element, line, group, signature };
  }

  /** A row that makes more of a branch's children. */
  #moreRow(count, parent, depth, at, of) {
    const id = `more ${parent}`;
    const item = {
      id,
      label: `${count} more`,
      path: '',
      method: null,
      entry: null,
      children: [],
      counts: {},
      more: parent,
    };
    return this.#row(item, undefined, false, { depth, at, of, parent }).element;
  }

  #onClick(event) {
    const element = event.target.closest?.('[role=treeitem]');
    const row = element && this.#rows.get(element.dataset.id);
    if (!row) return;
    this.#focus(element.dataset.id);
    if (event.target.closest('.map-fold')) this.#toggle(row.item);
    else this.#choose(row.item);
  }

  #onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const row = this.#rows.get(this.#current);
    if (!row) return;
    const { item } = row;
    const isOpen = this.#isOpen(item);
    const step = (by) => this.#focus(this.#beside(by));
    const keys = {
      ArrowDown: () => step(1),
      ArrowUp: () => step(-1),
      Home: () => this.#focus(this.#ids()[0]),
      End: () => this.#focus(this.#ids().at(-1)),
      ArrowRight: () => item.children.length && (isOpen ? step(1) : this.#toggle(item)),
      ArrowLeft: () => (isOpen ? this.#toggle(item) : this.#focus(row.parent)),
      Enter: () => this.#choose(item),
      ' ': () => this.#choose(item),
      '*': () => this.#openSiblings(row),
    };
    if (Object.hasOwn(keys, event.key)) keys[event.key]();
    else if (event.key.length === 1) this.#type(event.key, event.timeStamp);
    else return;
    event.preventDefault();
  }

  /** Goes to the next row whose name begins with what was typed. */
  #type(letter, at) {
    const isMore = at - this.#typed.at < TYPED_TOGETHER_MS;
    this.#typed = { text: (isMore ? this.#typed.text : '') + letter.toLowerCase(), at };
    const ids = this.#ids();
    const start = ids.indexOf(this.#current) + (this.#typed.text.length > 1 ? 0 : 1);
    const begins = (id) => {
      const { label, method } = this.#rows.get(id).item;
      return [label, label.replace(/^\//, ''), method ?? ''].some((name) =>
        name.toLowerCase().startsWith(this.#typed.text),
      );
    };
    this.#focus([...ids.slice(start), ...ids.slice(0, start)].find(begins));
  }

  #choose(item) {
    if (item.more !== undefined) return this.#showMore(item);
    if (!item.entry) return this.#toggle(item);
    this.#selected = item.id;
    for (const [id, { line }] of this.#rows) set(line, 'aria-selected', String(id === item.id));
    this.#onSelect(item);
  }

  #showMore({ id, more: parent }) {
    const siblings = [...this.#rows.keys()];
    const last = siblings[siblings.indexOf(id) - 1];
    this.#made.set(parent, (this.#made.get(parent) ?? CHILDREN_AT_ONCE) + CHILDREN_AT_ONCE);
    this.#current = last ?? null;
    this.#render();
  }

  #toggle(item) {
    if (!item.children.length) return;
    this.#toggled.set(item.id, !this.#isOpen(item));
    this.#render();
  }

  #openSiblings({ parent }) {
    const siblings = parent === null ? this.#items : this.#rows.get(parent).item.children;
    for (const { id } of siblings) this.#toggled.set(id, true);
    this.#render();
  }

  #reveal(id) {
    const found = this.#find(id);
    if (!found) return;
    for (const { id: branch } of found.way) this.#toggled.set(branch, true);
    found.way.forEach(({ id: branch, children }, depth) => {
      const at = children.indexOf(found.way[depth + 1] ?? found.item);
      if (at >= CHILDREN_AT_ONCE) this.#made.set(branch, Math.ceil((at + 1) / CHILDREN_AT_ONCE) * CHILDREN_AT_ONCE);
    });
    this.#render();
    this.#makeCurrent(id);
    this.#choose(found.item);
    this.#rows.get(id)?.line.scrollIntoView({ block: 'nearest' });
  }

  /** Finds an item, and the branches on the way to it. */
  #find(id) {
    /** @type {{ item: any, from: any }[]} */
    const waiting = this.#items.map((item) => ({ item, from: null }));
    for (let here = waiting.pop(); here; here = waiting.pop()) {
      if (here.item.id === id) {
        const way = [];
        for (let step = here.from; step; step = step.from) way.unshift(step.item);
        return { item: here.item, way };
      }
      for (const item of here.item.children) waiting.push({ item, from: here });
    }
    return undefined;
  }

  /** The ids of the rows from top to bottom. */
  #ids() {
    return Array.from(this.#element.querySelectorAll('[role=treeitem]'), ({ dataset }) => dataset.id);
  }

  #beside(by) {
    const ids = this.#ids();
    return ids[ids.indexOf(this.#current) + by];
  }

  #focus(id) {
    const row = this.#rows.get(id);
    if (!row) return;
    this.#makeCurrent(id);
    row.line.focus({ preventScroll: true });
    row.line.scrollIntoView({ block: 'nearest' });
  }

  #makeCurrent(id) {
    if (id === this.#current || !this.#rows.has(id)) return;
    const before = this.#rows.get(this.#current);
    if (before) before.line.tabIndex = -1;
    this.#rows.get(id).line.tabIndex = 0;
    this.#current = id;
  }
}

/** Sets an attribute, and touches nothing if it is so already: the browser would lay the row out again. */
function set(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/** Puts elements into another, and touches nothing if they are there already. */
function setChildren(parent, elements) {
  const there = parent.children;
  if (there.length === elements.length && elements.every((element, at) => there[at] === element)) return;
  parent.replaceChildren(...elements);
}

/** Returns what a row shows, and how it is read out. */
function wordsOf({ entry, label, path, method, counts, children }) {
  if (!entry) {
    const summary = children.length ? summaryOf(counts) : [];
    const kinds = summary.map(({ kind, text }) => (kind ? `${text} ${KINDS[kind].word}` : text));
    const spoken = [label, ...kinds].join(', ');
    return { label, method, badges: summary, exposures: [], spoken };
  }
  const { route, mark } = entry;
  const shown = badges(route).filter(({ kind }) => !(kind === 'exposed' && entry.exposures));
  const to = destination(route);
  const exposures = (entry.exposures ?? []).map(printable);
  const spoken = [
    `${mark ? `${KINDS[mark].word}: ` : ''}${method} ${printable(route.host ?? '')}${printable(path)}`,
    spokenDemand(route) + (shown.some(({ kind }) => kind === 'exposed') ? ', exposed' : ''),
    `to ${to}`,
    ...exposures.map((exposure) => `exposes: ${exposure}`),
  ].join('; ');
  return { label, method, mark, badges: shown, destination: to, exposures, spoken };
}

/**
 * Makes the words about a selected route: its name, and its rule in sentences.
 * @param {import('./tree.mjs').Item} item
 * @param {Document} [document]
 * @param {string[]} [sentences]
 */
export function ruleOf({ entry, method, path }, document = globalThis.document, sentences) {
  const fragment = document.createDocumentFragment();
  if (!entry) return fragment;
  const { route, mark } = entry;
  const heading = document.createElement('h3');
  heading.className = `map-rule-name map-${mark ?? demand(route)}`;
  heading.textContent = `${method} ${printable(route.host ?? '')}${printable(path)}`;
  const list = document.createElement('ul');
  list.className = 'map-sentences';
  for (const sentence of sentences ?? describe(route)) {
    const line = document.createElement('li');
    line.textContent = sentence;
    list.append(line);
  }
  fragment.append(heading, list);
  return fragment;
}

/** Makes the legend of the signs. */
export function legendOf(kinds = Object.keys(KINDS), document = globalThis.document) {
  const list = document.createElement('ul');
  list.className = 'map-legend';
  for (const kind of kinds) {
    const line = document.createElement('li');
    line.className = `map-${kind}`;
    line.textContent = `${KINDS[kind].sign} ${KINDS[kind].word}`;
    list.append(line);
  }
  return list;
}
