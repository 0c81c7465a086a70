import { beforeAll, describe, expect, it } from 'vitest';
import type { Addon, ProgramHandle, VariableHandle } from '#lib/native/binding.js';
import { loadAddon } from '#lib/native/load.js';
import { lower } from '#lib/tensor/compiler/lower.js';
import { Tensor } from '#lib/tensor/index.js';
import { allPasses } from '#lib/tensor/trace.js';
import '#lib/ops/index.js';

/** The addon's functions take anything here, as they would from a caller that ignores their types. */
type Anything = Record<keyof Addon, (...args: unknown[]) => unknown>;

let addon: Addon;
let hostile: Anything;
let variable: VariableHandle;
let program: ProgramHandle;
let bytes: Uint8Array;

beforeAll(() => {
  addon = loadAddon();
  hostile = addon as unknown as Anything;
  variable = addon.createVariable(0, 4);
  const x = new Tensor([2], 'float32', undefined);
  const trace = { assignments: new Map(), guards: [], reads: [], passes: allPasses };
  ({ bytes } = lower([x], [x.add(1)], trace, addon.describe()));
  program = addon.createProgram(bytes, []);
});

const error = (code: string, message: string) =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });
const invalid = (message: string) => error('ERR_JEPA_INVALID_ARGUMENT', `[native] ${message}`);

/** Values to pass where something else is expected, and the kind of argument that each would be right for. */
const nonsense: readonly { readonly name: string; readonly make: () => unknown; readonly right?: string }[] = [
  { name: 'nothing', make: () => undefined },
  { name: 'null', make: () => null },
  { name: 'text', make: () => 'x' },
  { name: 'a number', make: () => 3, right: 'count' },
  { name: 'a negative number', make: () => -1 },
  { name: 'half a number', make: () => 0.5 },
  { name: 'NaN', make: () => Number.NaN },
  { name: 'infinity', make: () => Number.POSITIVE_INFINITY },
  { name: 'a huge number', make: () => 2 ** 70 },
  { name: 'a bigint', make: () => 1n },
  { name: 'a symbol', make: () => Symbol('x') },
  { name: 'an object', make: () => ({ length: 1e9 }) },
  { name: 'an array of numbers', make: () => [1, 2] },
  { name: 'a function', make: () => () => 1 },
  { name: 'a proxy that throws', make: () => new Proxy({}, { get: () => expect.unreachable() }) },
  { name: 'a variable', make: () => variable, right: 'variable' },
  { name: 'a program', make: () => program, right: 'program' },
  { name: 'an array of another size', make: () => new Uint8Array(5) },
  { name: 'a bare buffer', make: () => new ArrayBuffer(16) },
  { name: 'an array with a hole', make: () => new Array(1) },
];

const pair = (): Float32Array => new Float32Array(2);
/** What the program makes of its input: the sum with 1. */
const sums = async (inputs: readonly ArrayBufferView[]): Promise<Float32Array> => {
  const [buffer] = await addon.run(program, inputs, 1);
  return new Float32Array(buffer);
};
/** Every argument of every function, with the kind it must be. */
const positions: readonly [keyof Addon, string, (value: unknown) => unknown[]][] = [
  ['createVariable', 'count', (value) => [value, 4]],
  ['createVariable', 'count', (value) => [0, value]],
  ['writeVariable', 'variable', (value) => [value, new Float32Array(4)]],
  ['writeVariable', 'data', (value) => [variable, value]],
  ['readVariable', 'variable', (value) => [value, new Float32Array(4)]],
  ['readVariable', 'data', (value) => [variable, value]],
  ['disposeVariable', 'variable', (value) => [value]],
  ['createProgram', 'bytes', (value) => [value, []]],
  ['createProgram', 'list', (value) => [bytes, value]],
  ['createProgram', 'variable', (value) => [bytes, [value]]],
  ['programInfo', 'program', (value) => [value]],
  ['run', 'program', (value) => [value, [pair()], 1]],
  ['run', 'list', (value) => [program, value, 1]],
  ['run', 'data', (value) => [program, [value], 1]],
  ['run', 'count', (value) => [program, [pair()], value]],
  ['abort', 'count', (value) => [value]],
  ['profile', 'program', (value) => [value, [pair()], 1]],
  ['profile', 'count', (value) => [program, [pair()], value]],
  ['disposeProgram', 'program', (value) => [value]],
];

describe.each(nonsense)('$name', ({ make, right }) => {
  it.each(positions)('is refused by %s as %s', (name, kind, args) => {
    if (kind === right) return;
    expect(() => hostile[name](...args(make()))).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^ERR_JEPA_(INVALID_ARGUMENT|PROGRAM)$/) }),
    );
  });
});

describe('the addon', () => {
  it('says what it expected', () => {
    expect(() => hostile.createVariable(6, 1)).toThrow(invalid('expected a dtype, a whole number from 0 to 5'));
    expect(() => hostile.createVariable(0, -1)).toThrow(
      invalid('expected a number of elements, a whole number from 0'),
    );
    expect(() => hostile.writeVariable(variable, new Float32Array(3))).toThrow(
      invalid("expected data of the variable's size"),
    );
    expect(() => hostile.readVariable(variable, 4)).toThrow(invalid('expected typed arrays'));
    expect(() => hostile.programInfo(variable)).toThrow(invalid('expected a handle of another kind'));
    expect(() => hostile.run(program, [], 1)).toThrow(invalid('expected an array for every input'));
    expect(() => hostile.run(program, [new Float32Array(3)], 1)).toThrow(
      invalid("expected inputs of the program's sizes"),
    );
    expect(() => hostile.run(program, [pair()], 0)).toThrow(invalid("expected a run's number, a whole"));
    expect(() => hostile.createProgram(new Uint8Array(0), [])).toThrow(error('ERR_JEPA_PROGRAM', '[program] expected'));
  });

  it('refuses calls without arguments', () => {
    for (const name of new Set(positions.map(([name]) => name)))
      expect(() => hostile[name]()).toThrow(expect.objectContaining({ code: 'ERR_JEPA_INVALID_ARGUMENT' }));
  });

  it('refuses a variable that no memory could hold, before it takes any', () => {
    const { variableBytes } = addon.memory();
    expect(() => addon.createVariable(0, 2 ** 42)).toThrow(
      error('ERR_JEPA_OUT_OF_MEMORY', '[variable] expected 4398046511104 elements to fit into memory, got 16777216 MB'),
    );
    expect(addon.memory().variableBytes).toBe(variableBytes);
  });

  it('refuses disposed handles', () => {
    const gone = addon.createVariable(0, 1);
    addon.disposeVariable(gone);
    const disposed = error('ERR_JEPA_DISPOSED', '[native] expected a handle in use, got a disposed one');
    expect(() => addon.disposeVariable(gone)).toThrow(disposed);
    expect(() => hostile.readVariable(gone, new Float32Array(1))).toThrow(disposed);
    expect(() => addon.createProgram(bytes, [gone])).toThrow(disposed);
    const ended = addon.createProgram(bytes, []);
    addon.disposeProgram(ended);
    expect(() => addon.programInfo(ended)).toThrow(disposed);
    expect(() => hostile.run(ended, [pair()], 1)).toThrow(disposed);
  });

  it('runs on shared memory, DataViews and windows of larger buffers', async () => {
    const shared = new Float32Array(new SharedArrayBuffer(16), 4, 2);
    shared.set([1, 2]);
    expect(await sums([shared])).toEqual(Float32Array.of(2, 3));
    expect(await sums([new DataView(shared.buffer, 4, 8)])).toEqual(Float32Array.of(2, 3));
  });

  it('refuses detached arrays', () => {
    const gone = pair();
    structuredClone(gone.buffer, { transfer: [gone.buffer as ArrayBuffer] });
    expect(() => addon.run(program, [gone], 1)).toThrow(invalid("expected inputs of the program's sizes"));
    const lost = bytes.slice();
    structuredClone(lost.buffer, { transfer: [lost.buffer as ArrayBuffer] });
    expect(() => addon.createProgram(lost, [])).toThrow(error('ERR_JEPA_PROGRAM', '[program] expected'));
  });

  it('lets errors of getters through, and asks each element once', async () => {
    const thrower = Object.defineProperty([undefined], 0, {
      get: () => {
        throw new Error('mine');
      },
    });
    expect(() => hostile.run(program, thrower, 1)).toThrow('mine');
    expect(() => hostile.createProgram(bytes, thrower)).toThrow('mine');
    let asked = 0;
    const changing = Object.defineProperty([undefined], 0, { get: () => Float32Array.of(++asked, 0) });
    expect(await sums(changing as never)).toEqual(Float32Array.of(2, 1));
    expect(asked).toBe(1);
  });

  it('reads and writes variables of no elements', async () => {
    const empty = addon.createVariable(0, 0);
    await addon.writeVariable(empty, new Float32Array(0));
    await addon.readVariable(empty, new Float32Array(0));
    addon.disposeVariable(empty);
  });

  it('still works after all this', async () => {
    expect(await sums([Float32Array.of(1, 2)])).toEqual(Float32Array.of(2, 3));
  });
});
