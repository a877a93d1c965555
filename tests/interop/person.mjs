// A person with a browser, as far as a provider's pages need one: fills in login forms, consents to what is asked, and
// confirms a logout.

import { Browser } from '../e2e/support/harness.mjs';

const PAGES_MAX = 10;
const YES =
  /allow|accept|approve|authori[sz]e|agree|continue|confirm|yes|submit|log ?in|sign ?in|log ?out|sign ?out|connect|next|^ok$/i;
const NO = /deny|reject|cancel|decline|^no$|refuse|abort|switch|forgot|register|delete|reset/i;
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

export class Person extends Browser {
  /**
   * @param {{ username: string, password: string, answer?: (person: Person, page: Page) => Promise<any> }} who
   *   `answer` handles pages that are not plain forms: it returns where to go on, as `follow` does, or nothing.
   */
  constructor({ username, password, answer = async () => undefined }) {
    super();
    this.username = username;
    this.password = password;
    this.answer = answer;
    /** The pages that wanted an answer, by URL. */
    this.asked = [];
  }

  /**
   * Goes to a URL and answers every page on the way, up to a URL that `stop` accepts, or to a page that asks nothing.
   * Returns the last page, and in `next` the URL at which it stopped, in `init` what a form there is to get.
   * @param {string} address
   * @param {(url: string) => boolean} stop
   */
  async goTo(address, stop) {
    let at = await this.follow(address, {}, stop);
    for (let pages = 0; !at.next && pages < PAGES_MAX; pages += 1) {
      const page = new Page(at.url, at.response, await at.response.text());
      const step = (await this.answer(this, page)) ?? this.fillIn(page);
      if (!step) return { page };
      this.asked.push(page.url);
      if (stop(step.url)) return { page, next: step.url, init: step.init };
      at = await this.follow(step.url, step.init ?? {}, stop);
    }
    return { page: new Page(at.url, at.response, ''), next: at.next };
  }

  /** Returns the request that answers the first form of a page, if it has one. */
  fillIn(page) {
    const form = page
      .forms()
      .find(({ buttons, fields }) => buttons.length || fields.some(({ type }) => type === 'hidden'));
    if (!form) return undefined;
    const values = form.fields.flatMap((field) => this.#valueOf(field));
    const button =
      form.buttons.find(({ label }) => YES.test(label)) ?? form.buttons.find(({ label }) => !NO.test(label));
    if (button?.name) values.push([button.name, button.value]);
    const body = new URLSearchParams(values);
    if (form.method === 'post') return { url: form.action, init: { method: 'POST', body } };
    const url = new URL(form.action);
    url.search = `${body}`;
    return { url: url.href };
  }

  #valueOf({ name, type, value, isChecked }) {
    if (type === 'password') return [[name, this.password]];
    if (type === 'checkbox' || type === 'radio') return isChecked ? [[name, value || 'on']] : [];
    if (type === 'hidden') return [[name, value]];
    return [[name, /user|login|mail|name/i.test(name) ? this.username : value]];
  }
}

/** A page in a browser. */
export class Page {
  constructor(url, response, text) {
    this.url = url;
    this.status = response.status;
    this.text = text;
  }

  /** Returns the forms of a page, in order, with their buttons. */
  forms() {
    const html = this.text.replace(/<!--[\s\S]*?-->/g, '');
    return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, tag, content]) => {
      const of = attributesOf(tag);
      const elsewhere = of.id ? html.replace(content, '') : '';
      return {
        action: new URL(of.action || this.url, this.url).href,
        method: (of.method ?? 'get').toLowerCase(),
        fields: fieldsOf(content),
        buttons: [...buttonsOf(content), ...buttonsOf(elsewhere).filter(({ form }) => form === of.id)],
      };
    });
  }

  /** Returns the page's text in one line. */
  words() {
    const body = this.text.replace(/<(script|style|head)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
    return decode(body).replace(/\s+/g, ' ').trim();
  }
}

function attributesOf(tag) {
  const pairs = tag.matchAll(/([\w:.-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g);
  return Object.fromEntries(
    [...pairs].map(([, name, ...values]) => [
      name.toLowerCase(),
      decode(values.find((value) => value !== undefined) ?? ''),
    ]),
  );
}

function fieldsOf(html) {
  return [...html.matchAll(/<(input|textarea)\b([^>]*)>/gi)]
    .map(([, , tag]) => attributesOf(tag))
    .filter(({ name, type, disabled }) => name && !isButton(type) && disabled === undefined)
    .map(({ name, type = 'text', value = '', checked }) => ({
      name,
      type: type.toLowerCase(),
      value,
      isChecked: checked !== undefined,
    }));
}

function buttonsOf(html) {
  const inputs = [...html.matchAll(/<input\b([^>]*)>/gi)]
    .map(([, tag]) => attributesOf(tag))
    .filter(({ type }) => isButton(type))
    .map((of) => ({ ...of, label: of.value ?? '' }));
  const buttons = [...html.matchAll(/<button\b([^>]*)>([\s\S]*?)<\/button>/gi)]
    .map(([, tag, content]) => ({
      ...attributesOf(tag),
      label: decode(content.replace(/<[^>]*>/g, ' '))
        .replace(/\s+/g, ' ')
        .trim(),
    }))
    .filter(({ type }) => type !== 'button' && type !== 'reset');
  return [...inputs, ...buttons].map(({ name, value = '', form, label }) => ({ name, value, form, label }));
}

const isButton = (type = '') => ['submit', 'image'].includes(type.toLowerCase());

function decode(text) {
  return text.replace(/&(#x?[\da-f]+|\w+);/gi, (whole, name) => {
    if (!name.startsWith('#')) return ENTITIES[name.toLowerCase()] ?? whole;
    const hex = /^#x/i.test(name);
    return String.fromCodePoint(Number.parseInt(name.slice(hex ? 2 : 1), hex ? 16 : 10));
  });
}
