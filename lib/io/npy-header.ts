import { JepaError } from '../errors.js';

/** What the header of a .npy file says of its array. */
export interface NpyHeader {
  /** The type as NumPy writes it: byte order, kind and size, `<f4`. */
  readonly descr: string;
  /** Whether the first axis runs fastest in the file. */
  readonly fortranOrder: boolean;
  readonly shape: readonly number[];
}

type Literal = string | number | boolean | null | List | Map<string, Literal>;
class List {
  constructor(
    readonly items: readonly Literal[],
    readonly isTuple: boolean,
  ) {}
}

/** NumPy's own limit. */
export const maxRank = 64;
/** More than any header of NumPy's nests, records within records included. */
const maxDepth = 32;

/**
 * Parses the dictionary in a .npy header. It is text in Python's syntax, which NumPy evaluates by a parser of literals; here a
 * grammar of its own knows strings without escapes, whole numbers, True, False, None, tuples, lists and dictionaries, and no more.
 * @throws JepaError ERR_JEPA_CHECKPOINT_FORMAT; ERR_JEPA_DTYPE for records, which have several values an element
 */
export function parseNpyHeader(text: string): NpyHeader {
  const cursor = new Cursor(text);
  const header = cursor.literal(0);
  cursor.end();
  if (!(header instanceof Map)) refuse('a dictionary as header', text);
  const names = [...header.keys()].sort().join(', ');
  if (names !== 'descr, fortran_order, shape')
    refuse('descr, fortran_order and shape in the header', names || 'nothing');
  const [descr, fortranOrder, shape] = ['descr', 'fortran_order', 'shape'].map((name) => header.get(name));
  if (descr instanceof List)
    throw new JepaError('ERR_JEPA_DTYPE', '[npy] expected one number an element, got records of several fields', {
      help: ["in Python, save each field as an array of its own: numpy.savez('fields.npz', x=records['x'])"],
    });
  if (typeof descr !== 'string') refuse("a type such as '<f4' as descr", text);
  if (typeof fortranOrder !== 'boolean') refuse('True or False as fortran_order', text);
  if (!(shape instanceof List) || !shape.isTuple) refuse('a tuple as shape', text);
  if (shape.items.length > maxRank) refuse(`at most ${maxRank} axes`, `${shape.items.length}`);
  for (const extent of shape.items)
    if (typeof extent !== 'number') refuse('whole numbers from 0 to 2^53 in the shape', text);
  return { descr, fortranOrder, shape: shape.items as number[] };
}

/** The header as NumPy 2 writes it, so that its files and these are the same byte for byte; without the padding. */
export function npyHeaderText({ descr, fortranOrder, shape }: NpyHeader): string {
  const extents = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': ${fortranOrder ? 'True' : 'False'}, 'shape': (${extents}), }`;
  // Room for the axis along which a file can be made to grow in place to reach 2^64 − 1.
  const growing = shape.at(fortranOrder ? -1 : 0);
  return growing === undefined ? text : text + ' '.repeat(21 - `${growing}`.length);
}

class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  literal(depth: number): Literal {
    if (depth > maxDepth) this.#fail(`at most ${maxDepth} levels of brackets`);
    if (this.#take('{')) return this.#dictionary(depth);
    if (this.#take('(')) return this.#items(')', depth);
    if (this.#take('[')) return this.#items(']', depth);
    return this.#string() ?? this.#number() ?? this.#word();
  }

  end(): void {
    this.#space();
    if (this.#at !== this.#text.length) this.#fail('nothing after the dictionary');
  }

  #dictionary(depth: number): Map<string, Literal> {
    const entries = new Map<string, Literal>();
    while (!this.#take('}')) {
      const key = this.#string();
      if (key === undefined || entries.has(key)) this.#fail('another string as key');
      if (!this.#take(':')) this.#fail("':'");
      entries.set(key, this.literal(depth + 1));
      if (!this.#take(',') && !this.#sees('}')) this.#fail("',' or '}'");
    }
    return entries;
  }

  #items(close: string, depth: number): Literal {
    const items: Literal[] = [];
    let comma = false;
    while (!this.#take(close)) {
      items.push(this.literal(depth + 1));
      comma = this.#take(',');
      if (!comma && !this.#sees(close)) this.#fail(`',' or '${close}'`);
    }
    // In Python (3) is the number 3: a tuple of one needs its comma.
    return close === ')' && items.length === 1 && !comma ? items[0] : new List(items, close === ')');
  }

  #string(): string | undefined {
    this.#space();
    const quote = this.#text[this.#at];
    if (quote !== "'" && quote !== '"') return undefined;
    const start = this.#at + 1;
    const end = this.#text.indexOf(quote, start);
    const value = this.#text.slice(start, end);
    if (end < 0 || /[\\\n\r]/.test(value)) this.#fail('a whole string without escapes');
    this.#at = end + 1;
    return value;
  }

  /** 2^53 and above is no extent of an array; Python 2 wrote an L behind long numbers. */
  #number(): number | undefined {
    const match = /(?:0|[1-9][0-9]*)(?![0-9.eE_xob])L?/y;
    match.lastIndex = this.#at;
    const found = match.exec(this.#text)?.[0];
    if (found === undefined) return undefined;
    const value = Number.parseInt(found, 10);
    if (!Number.isSafeInteger(value)) this.#fail('a whole number below 2^53');
    this.#at += found.length;
    return value;
  }

  #word(): boolean | null {
    for (const [word, value] of [
      ['True', true],
      ['False', false],
      ['None', null],
    ] as const)
      if (this.#take(word)) return value;
    return this.#fail('a literal: a string, a whole number from 0, True, False, a tuple or a dictionary');
  }

  #sees(token: string): boolean {
    this.#space();
    return this.#text.startsWith(token, this.#at);
  }

  #take(token: string): boolean {
    if (!this.#sees(token)) return false;
    this.#at += token.length;
    return true;
  }

  #space(): void {
    while (' \t\n\r'.includes(this.#text[this.#at] || '.')) this.#at++;
  }

  #fail(expected: string): never {
    throw new JepaError(
      'ERR_JEPA_CHECKPOINT_FORMAT',
      `[npy] expected ${expected} in the header, at character ${this.#at}`,
    );
  }
}

function refuse(expected: string, got: string): never {
  throw new JepaError('ERR_JEPA_CHECKPOINT_FORMAT', `[npy] expected ${expected}, got ${got.trim().slice(0, 120)}`);
}
