// Takes a stream apart into the JSON objects in it, each as `wrangler tail` prints it, and into the lines of whatever else is there.

/** A text of this many characters that has not ended is not wrangler's: a Worker's logs of one event are 256 KB at most. */
const TEXT_MAX = 4 * 1024 * 1024;

/**
 * A part of the stream: the value of an object, or a line that belongs to none.
 *
 * @typedef {{ value: Record<string, any> } | { line: string }} Piece
 */

/** Objects come one after another, with white space between them or none, and over several lines or one. */
export class JsonTexts {
  /** What was not returned yet, and how far of it was looked at. */
  #text = '';
  #at = 0;
  /** How many objects and arrays are open. */
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  #isPartOfLine = false;

  /** Whether an object has begun and not ended. */
  get isOpen() {
    return this.#depth > 0;
  }

  /**
   * Takes in more of the stream, and returns what is complete.
   *
   * @param {string} chunk
   * @returns {Piece[]}
   */
  read(chunk) {
    this.#text += chunk;
    const pieces = [];
    for (; this.#at < this.#text.length; this.#at += 1) {
      const character = this.#text[this.#at];
      const complete = this.#depth > 0 ? this.#inObject(character) : this.#between(character);
      if (complete) pieces.push(...complete);
    }
    if (this.#text.length > TEXT_MAX) pieces.push(...this.#given());
    return pieces;
  }

  /** Returns what is left at the end of the stream. @returns {Piece[]} */
  end() {
    return this.#given();
  }

  /** @param {string} character @returns {Piece[] | undefined} */
  #between(character) {
    if (character === '\n') {
      const line = this.#take(this.#at + 1).replace(/\r?\n$/, '');
      this.#isPartOfLine = false;
      return line.trim() ? [{ line }] : [];
    }
    // Of what a line of text has, nothing begins an object.
    if (character === '{' && !this.#isPartOfLine) this.#depth = 1;
    else if (character.trim()) this.#isPartOfLine = true;
    return undefined;
  }

  /** @param {string} character @returns {Piece[] | undefined} */
  #inObject(character) {
    if (this.#isInString) {
      // A string has no line break, so this is not one.
      if (character === '\n') return this.#given(this.#at + 1);
      if (this.#isEscaped) this.#isEscaped = false;
      else if (character === '\\') this.#isEscaped = true;
      else if (character === '"') this.#isInString = false;
      return undefined;
    }
    // What is open was cut off: within one, no object begins a line.
    if (character === '{' && this.#text[this.#at - 1] === '\n') {
      const lines = this.#given(this.#at);
      this.#depth = 1;
      return lines;
    }
    if (character === '"') this.#isInString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') this.#depth -= 1;
    return this.#depth === 0 ? this.#whole() : undefined;
  }

  /** Returns the object that ends here; what is not JSON is text. @returns {Piece[]} */
  #whole() {
    try {
      const value = JSON.parse(this.#text.slice(0, this.#at + 1));
      this.#take(this.#at + 1);
      return [{ value }];
    } catch {
      return this.#given(this.#at + 1);
    }
  }

  /** Gives up on what was not returned yet: it is lines of text. @returns {Piece[]} */
  #given(end = this.#text.length) {
    const lines = this.#take(end).split(/\r?\n/);
    [this.#depth, this.#isInString, this.#isEscaped, this.#isPartOfLine] = [0, false, false, false];
    return lines.filter((line) => line.trim()).map((line) => ({ line }));
  }

  /** Takes the beginning off, so that the place of the stream stays the same. */
  #take(end) {
    const taken = this.#text.slice(0, end);
    this.#text = this.#text.slice(end);
    this.#at -= end;
    return taken;
  }
}
