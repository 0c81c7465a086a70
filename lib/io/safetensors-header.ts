import { JepaError } from '../errors.js';

/** What the header says of one tensor. Offsets count bytes from the end of the header. */
export interface TensorEntry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Record<string, string>;
  readonly tensors: Map<string, TensorEntry>;
}

/**
 * Parses a safetensors header. Not by `JSON.parse`: that keeps the last of two equal keys and rounds large integers, and a
 * hostile file uses both. The grammar is exactly the format's: unknown keys, fractions and duplicates are refused.
 */
export function parseHeader(text: string): SafetensorsHeader {
  const cursor = new Cursor(text);
  const tensors = new Map<string, TensorEntry>();
  let metadata: Record<string, string> | undefined;
  cursor.object((name) => {
    if (name === '__metadata__') {
      if (metadata) cursor.fail("'__metadata__' once");
      const entries = new Map<string, string>();
      cursor.object((key) => {
        if (entries.has(key)) cursor.fail(`the metadata key '${key}' once`);
        entries.set(key, cursor.string());
      });
      metadata = Object.fromEntries(entries);
      return;
    }
    if (tensors.has(name)) cursor.fail(`the tensor '${name}' once`);
    tensors.set(name, tensorEntry(cursor, name));
  });
  cursor.end();
  return { metadata: metadata ?? {}, tensors };
}

function tensorEntry(cursor: Cursor, name: string): TensorEntry {
  let dtype: string | undefined;
  let shape: number[] | undefined;
  let offsets: number[] | undefined;
  cursor.object((key) => {
    if (key === 'dtype' && dtype === undefined) dtype = cursor.string();
    else if (key === 'shape' && !shape) shape = cursor.integers();
    else if (key === 'data_offsets' && !offsets) offsets = cursor.integers();
    else cursor.fail(`dtype, shape and data_offsets once each in '${name}', got '${key}'`);
  });
  if (dtype === undefined || !shape || offsets?.length !== 2)
    return cursor.fail(`dtype, shape and two data_offsets in '${name}'`);
  return { dtype, shape, begin: offsets[0], end: offsets[1] };
}

class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  fail(expected: string): never {
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[safetensors] expected ${expected} in the header, at character ${this.#at}`,
    );
  }

  object(entry: (key: string) => void): void {
    this.#expect('{');
    if (this.#take('}')) return;
    do {
      const key = this.string();
      this.#expect(':');
      entry(key);
    } while (this.#take(','));
    this.#expect('}');
  }

  string(): string {
    this.#space();
    const start = this.#at;
    let end = this.#text[start] === '"' ? start + 1 : this.fail('a string');
    // By hand: a regular expression with alternatives runs out of stack on strings of megabytes.
    while (end < this.#text.length && this.#text[end] !== '"') end += this.#text[end] === '\\' ? 2 : 1;
    try {
      const value = JSON.parse(this.#text.slice(start, end + 1)) as string;
      this.#at = end + 1;
      return value;
    } catch {
      return this.fail('a whole string with valid escapes');
    }
  }

  integers(): number[] {
    const values: number[] = [];
    this.#expect('[');
    if (this.#take(']')) return values;
    do values.push(this.#integer());
    while (this.#take(','));
    this.#expect(']');
    return values;
  }

  end(): void {
    this.#space();
    if (this.#at !== this.#text.length) this.fail('nothing after the closing brace');
  }

  #integer(): number {
    this.#space();
    const match = /(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#text);
    const value = Number(found?.[0]);
    if (!found || !Number.isSafeInteger(value)) return this.fail('a whole number below 2^53');
    this.#at = match.lastIndex;
    return value;
  }

  #expect(character: string): void {
    if (!this.#take(character)) this.fail(`'${character}'`);
  }

  #take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] || '.')) this.#at++;
  }
}
