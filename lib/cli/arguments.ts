import { parseArgs } from 'node:util';
import { JepaError } from '../errors.js';
import { nearestName } from '../io/options.js';

/** An option of a command: what it takes and what the help says of it. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean' | 'integer' | 'number';
  /** Name of the value in the help, e.g. FILE. */
  readonly value?: string;
  readonly help: string;
}

export interface CommandSpec {
  readonly name: string;
  /** Positional arguments as the help shows them; in brackets: may be left out. */
  readonly positionals: readonly string[];
  readonly summary: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
}

export interface Parsed {
  readonly positionals: readonly string[];
  string(name: string): string | undefined;
  number(name: string): number | undefined;
  flag(name: string): boolean;
}

/** A mistake in the command line: exit code 2. */
export class UsageError extends Error {}

/** @throws UsageError saying what was meant, if that can be guessed */
export function parseCommand(spec: CommandSpec, args: readonly string[]): Parsed {
  const options = Object.fromEntries(
    Object.entries(spec.options).map(([name, { type }]) => [
      name,
      { type: type === 'boolean' ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  const parsed: { values: Record<string, string | boolean | undefined>; positionals: string[] } = parseArgs({
    args: checkedArguments(spec, args),
    options,
    allowPositionals: true,
    strict: true,
  });
  const required = spec.positionals.filter((name) => !name.startsWith('[')).length;
  if (parsed.positionals.length < required || parsed.positionals.length > spec.positionals.length) {
    throw new UsageError(
      `expected ${spec.positionals.join(' ') || 'no arguments'}, got ${parsed.positionals.join(' ') || 'none'}\n${usage(spec)}`,
    );
  }
  return {
    positionals: parsed.positionals,
    string: (name) => parsed.values[name] as string | undefined,
    flag: (name) => parsed.values[name] === true,
    number: (name) => {
      const text = parsed.values[name];
      if (text === undefined) return undefined;
      const value = Number(text);
      const whole = spec.options[name].type === 'integer';
      if (text === '' || !Number.isFinite(value) || (whole && !Number.isInteger(value)))
        throw new UsageError(
          `expected --${name} to be ${whole ? 'a whole number' : 'a number'}, got '${String(text)}'`,
        );
      return value;
    },
  };
}

/**
 * The arguments, every option one that there is and its value, or none, as it should be.
 * A number below 0 is joined to its option, for it looks like an option itself.
 */
function checkedArguments(spec: CommandSpec, args: readonly string[]): string[] {
  const checked: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const argument = args[index];
    if (argument === '--') return [...checked, ...args.slice(index)]; // positional from here on
    checked.push(argument);
    if (!/^-./.test(argument)) continue;
    const [, name, value] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    if (name === undefined || !Object.hasOwn(spec.options, name)) throw unknownOption(spec, name, argument);
    const option = spec.options[name];
    if (option.type === 'boolean') {
      if (value === undefined) continue;
      throw new UsageError(`expected --${name} without a value, got '${value}'`);
    }
    if (value !== undefined) continue;
    const next = args[++index];
    if (next === undefined || (/^-./.test(next) && !/^-[\d.]/.test(next)))
      throw new UsageError(`expected --${name} ${valueName(option)}, got ${next === undefined ? 'none' : `'${next}'`}`);
    checked.splice(-1, 1, `--${name}=${next}`);
  }
  return checked;
}

function unknownOption({ name, options }: CommandSpec, given: string | undefined, argument: string): UsageError {
  if (given === undefined) return new UsageError(`jepa ${name} has no option ${argument}`);
  return new UsageError(`jepa ${name} has no option --${given}${meant(given, options, '--')}`);
}

/** What was probably meant by a name that there is not, for the end of a sentence; nothing if none is near enough. */
export function meant(given: string, known: object, dashes = ''): string {
  const nearest = nearestName(given, Object.keys(known));
  return nearest === undefined ? '' : `, did you mean ${dashes}${nearest}?`;
}

/** What the help calls the value of an option. */
const valueName = ({ type, value }: OptionSpec): string => value ?? (type === 'string' ? 'TEXT' : 'N');

export function usage({ name, positionals, summary, options }: CommandSpec): string {
  const lines = Object.entries(options).map(([option, spec]) => {
    const left = `--${option}${spec.type === 'boolean' ? '' : ` ${valueName(spec)}`}`;
    return `  ${left.padEnd(24)} ${spec.help}`;
  });
  return [
    `usage: jepa ${[name, ...positionals].join(' ')}${lines.length > 0 ? ' [options]' : ''}`,
    `  ${summary}`,
    ...lines,
  ].join('\n');
}

/** An error as a person should read it. */
export function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const sentence = error instanceof JepaError ? `${error.message} (${error.code})` : error.message;
  return process.env.JEPA_DEBUG && error.stack ? `${sentence}\n${error.stack}` : sentence;
}
