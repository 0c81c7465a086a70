import {
  interpolatePositions,
  rope,
  ropeSegment,
  sincos1d,
  sincos2d,
  sincos3d,
  tokenCoordinates,
} from '#lib/nn/index.js';
import { attentionMask } from '#lib/ops/index.js';
import { type Tensor, tensor } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { type Numbers, numbersOf, type Verdict, verdict } from '../compare.js';
import { check, given, values } from './differentiate.js';
import type { Family } from './index.js';

/** Tables, rotations and coordinates of positions. */
export const runPositions: Family = async (call) => {
  switch (call.options.op) {
    case 'ijepa-sincos':
    case 'vjepa-sincos':
      return { composed: [], tensors: compared(call, (name) => table(call, name)) };
    case 'vjepa-interpolated':
      return { composed: [], tensors: await interpolated(call) };
    case 'rope':
      return { composed: [], tensors: await rotated(call) };
    case 'token-coordinates':
      return { composed: [], tensors: await coordinates(call) };
    default:
      throw new Error(`positions '${String(call.options.op)}' are not known to this library`);
  }
};

function compared(call: GoldenCall, found: (name: string) => Numbers): Verdict[] {
  return call.outputs.map((name) => {
    const host = call.tensors.get(name);
    if (!host) throw new Error(`the case has no tensor '${name}'`);
    const exact = host.dtype === 'float32' ? call : { ...call, compare: 'equal' };
    return verdict(exact, name, found(name.slice('output.'.length)), numbersOf(host), 'output');
  });
}

interface Table {
  readonly dim: number;
  readonly length?: number;
  readonly grid?: number;
  readonly depth?: number;
  readonly uniform_power?: boolean;
  readonly cls_token?: boolean;
}

function table(call: GoldenCall, name: string): Float32Array {
  const { dim, length, grid = 0, depth, uniform_power, cls_token = false } = call.options[name] as Table;
  if (length !== undefined) return sincos1d(dim, length);
  const order = call.options.op === 'ijepa-sincos' ? 'column-row' : 'row-column';
  const places =
    depth === undefined
      ? sincos2d(dim, [grid, grid], order)
      : sincos3d(dim, [depth, grid, grid], { uniformPower: uniform_power });
  return cls_token ? Float32Array.from([...new Float32Array(dim), ...places]) : places; // zeros for the class token
}

async function interpolated(call: GoldenCall): Promise<Verdict[]> {
  const {
    embed_dim: width,
    patch_size: patch,
    tubelet_size: tubelet,
    uniform_power: uniformPower,
  } = call.options as {
    embed_dim: number;
    patch_size: number;
    tubelet_size: number;
    uniform_power: boolean;
  };
  const found = new Map<string, Numbers>();
  for (const output of call.outputs) {
    const name = output.slice('output.'.length);
    const { from, to } = call.options[name] as { from: number[]; to: number[] };
    // Extents in pixels and frames become tokens.
    const tokens = (extents: number[]): number[] =>
      extents.map((extent, axis) => extent / (extents.length === 3 && axis === 0 ? tubelet : patch));
    const [own, other] = [tokens(from), tokens(to)];
    const places =
      own.length === 3
        ? sincos3d(width, own as [number, number, number], { uniformPower })
        : sincos2d(width, own as [number, number], 'row-column');
    const start = tensor(places, { shape: [1, places.length / width, width] });
    // The reference takes the first places of a shorter clip of the same size as they are.
    const shorter = own.length === 3 && other[0] < own[0] && own.slice(1).join() === other.slice(1).join();
    const y = shorter
      ? start.slice(
          1,
          0,
          other.reduce((product, extent) => product * extent, 1),
        )
      : interpolatePositions(start, own, other);
    found.set(name, await values(y));
  }
  return compared(call, (name) => found.get(name) as Numbers);
}

function rotated(call: GoldenCall): Promise<Verdict[]> {
  return check(call, ({ q, positions, positions_per_batch: perBatch }) => ({
    tiled: rope(q, positions, { kind: 'tiled' }),
    rotation: rope(q, positions),
    tiled_batch: rope(q, perBatch, { kind: 'tiled' }),
    rotation_batch: rope(q, perBatch),
    rotation_registers: rope(q, perBatch.slice(1, 0, 7)),
  }));
}

// What the case says in words.
const headWidths = [16, 20, 24, 32, 64, 80, 88];
const blockCausal = { steps: 3, tokens: 2 * 2 + 2 };

async function coordinates(call: GoldenCall): Promise<Verdict[]> {
  const ids = given(call, 'input.ids');
  const { steps, tokens } = blockCausal;
  const length = steps * tokens;
  const found: Record<string, Tensor> = {
    square_4: tokenCoordinates(ids, [4, 4]),
    grid_3x5: tokenCoordinates(ids, [3, 5]),
    block_causal_mask: attentionMask(length, length, { block: { size: tokens } }),
  };
  const numbers: Record<string, Numbers> = {
    segments: headWidths.flatMap((width) => [0, 1, 2].map(() => ropeSegment(width))),
  };
  for (const [name, x] of Object.entries(found)) numbers[name] = await values(x);
  return compared(call, (name) => numbers[name]);
}
