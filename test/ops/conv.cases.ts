import * as ops from '#lib/ops/index.js';
import { type Array64, at, build, permuted } from './array.js';
import { argument, normal, type OpCase, type OpCases, shape } from './op-case.js';

type Pair = readonly [number, number];

interface Convolution {
  readonly x: readonly number[];
  readonly weight: readonly number[];
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly input?: { readonly scale: number; readonly offset: number };
}

const table: readonly Convolution[] = [
  { x: [1, 1, 1, 1], weight: [1, 1, 1, 1] },
  { x: [2, 3, 7, 5], weight: [4, 3, 3, 3], padding: [1, 1], bias: true },
  { x: [2, 3, 7, 5], weight: [4, 3, 3, 2], stride: [2, 1], bias: true },
  { x: [1, 2, 8, 8], weight: [5, 2, 4, 4], stride: [4, 4] },
  { x: [1, 2, 6, 9], weight: [3, 2, 1, 5], stride: [1, 2], padding: [0, 2] },
  { x: [2, 17, 5, 5], weight: [33, 17, 3, 3], stride: [2, 2], padding: [1, 1], bias: true },
  { x: [1, 1, 2, 2], weight: [1, 1, 3, 3], padding: [2, 2] },
  { x: [0, 2, 4, 4], weight: [3, 2, 2, 2], bias: true },
  { x: [6, 3, 33, 31], weight: [16, 3, 3, 3], stride: [1, 1], padding: [1, 1], bias: true },
  { x: [2, 3, 9, 8], weight: [4, 3, 3, 2], stride: [2, 1], padding: [1, 2], dilation: [2, 3], bias: true },
  { x: [1, 2, 4, 4], weight: [3, 2, 2, 2], stride: [2, 2], dilation: [2, 2] }, // would tile but for the dilation
  { x: [2, 6, 5, 4], weight: [4, 3, 3, 3], padding: [1, 1], groups: 2, bias: true },
  { x: [1, 3, 5, 6], weight: [6, 1, 3, 3], stride: [2, 1], padding: [1, 0], groups: 3 }, // depthwise
  { x: [1, 4, 6, 6], weight: [6, 2, 3, 3], padding: [2, 2], dilation: [2, 2], groups: 2, bias: true },
  { x: [2, 4, 6, 4], weight: [2, 2, 3, 2], stride: [3, 2], groups: 2 }, // tiles
  { x: [0, 4, 4, 4], weight: [2, 2, 2, 2], groups: 2, bias: true },
  // Windows that tile the picture exactly are views.
  { x: [2, 3, 8, 12], weight: [5, 3, 4, 3], stride: [4, 3], bias: true, input: { scale: 0.5, offset: -1.5 } },
  { x: [2, 3, 7, 5], weight: [4, 3, 3, 3], padding: [1, 1], input: { scale: 0.5, offset: -1.5 } },
];

/** Channels last and many of them, x an input as it lies: products gather its windows, and those of the cotangent where they can. */
const deep: readonly Convolution[] = [
  { x: [2, 16, 5, 6], weight: [20, 16, 3, 3], padding: [1, 1], bias: true },
  { x: [9, 17, 4, 4], weight: [16, 17, 3, 2], padding: [1, 0], bias: true }, // blocks of pictures
  { x: [1, 16, 7, 6], weight: [18, 16, 3, 3], stride: [2, 1], padding: [1, 1] },
  { x: [2, 16, 6, 7], weight: [16, 16, 2, 3], padding: [2, 2], dilation: [2, 2], bias: true },
  { x: [1, 16, 3, 3], weight: [16, 16, 2, 2], padding: [2, 1] }, // windows that see zeros alone
  { x: [1, 16, 6, 6], weight: [16, 16, 4, 4] }, // the gradient would have four times as many windows
  { x: [1, 20, 4, 4], weight: [3, 20, 3, 3], padding: [1, 1] },
  { x: [0, 16, 4, 4], weight: [16, 16, 3, 3], padding: [1, 1], bias: true },
];

type Hops = 'stride' | 'padding' | 'dilation' | 'groups';

const nhwc = (x: Array64): Array64 => permuted(x, [0, 2, 3, 1]);

function windows(extent: number, kernel: number, stride: number, padding: number, dilation = 1): number {
  return Math.floor((extent + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1;
}

function convolved(
  x: Array64,
  weight: Array64,
  bias: Array64 | undefined,
  { stride: [sy, sx], padding: [py, px], dilation: [dy, dx], groups }: Required<Pick<Convolution, Hops>>,
): Array64 {
  const [n, c, h, w] = x.shape;
  const [o, own, kh, kw] = weight.shape;
  return build([n, o, windows(h, kh, sy, py, dy), windows(w, kw, sx, px, dx)], ([i, k, y, z]) => {
    let sum = bias ? bias.data[k] : 0;
    const first = Math.floor((k * groups) / o) * own; // channel of the output's group
    for (let channel = 0; channel < own; channel++)
      for (let a = 0; a < kh; a++)
        for (let b = 0; b < kw; b++) {
          const row = y * sy + a * dy - py;
          const column = z * sx + b * dx - px;
          if (row < 0 || row >= h || column < 0 || column >= w) continue;
          sum +=
            x.data[((i * c + first + channel) * h + row) * w + column] *
            weight.data[((k * own + channel) * kh + a) * kw + b];
        }
    return sum;
  });
}

function channelsLast({ x, weight, bias = false, ...hops }: Convolution): OpCase {
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1] } = hops;
  const [n, c, h, w] = x;
  return {
    name: `conv2d channels last [${x}] by [${weight}], stride ${stride}, padding ${padding}, dilation ${dilation}${bias ? ', bias' : ''}`,
    inputs: {
      x: normal([n, h, w, c], 1),
      weight: normal(weight, 2),
      ...(bias ? { bias: normal([weight[0]], 3) } : {}),
    },
    forward: (given) => ops.conv2d(given.x, given.weight, given.bias, { stride, padding, dilation, layout: 'NHWC' }),
    reference: (given) =>
      nhwc(
        convolved(permuted(given.x, [0, 3, 1, 2]), given.weight, given.bias, { stride, padding, dilation, groups: 1 }),
      ),
    tolerance: 'scaled',
  };
}

function casesOf({ x, weight, bias = false, input, ...hops }: Convolution): OpCase[] {
  const { stride = [1, 1], padding = [0, 0], dilation = [1, 1], groups = 1 } = hops;
  const inputs = { x: normal(x, 1), weight: normal(weight, 2), ...(bias ? { bias: normal([weight[0]], 3) } : {}) };
  const name = `[${x}] by [${weight}], stride ${stride}, padding ${padding}, dilation ${dilation}, ${groups} groups${bias ? ', bias' : ''}${input ? ', scaled' : ''}`;
  const reference = (given: Record<string, Array64>): Array64 =>
    convolved(
      { ...given.x, data: given.x.data.map((value) => value * (input?.scale ?? 1) + (input?.offset ?? 0)) },
      given.weight,
      given.bias,
      { stride, padding, dilation, groups },
    );
  return [
    {
      name: `conv2d ${name}`,
      inputs,
      forward: (given) => ops.conv2d(given.x, given.weight, given.bias, { stride, padding, dilation, groups, input }),
      reference,
      tolerance: 'scaled',
    },
    {
      name: `conv2d NHWC ${name}`,
      inputs,
      forward: (given) =>
        ops.conv2d(ops.permute(given.x, [0, 2, 3, 1]), given.weight, given.bias, {
          stride,
          padding,
          dilation,
          groups,
          layout: 'NHWC',
          input,
        }),
      reference: (given) => nhwc(reference(given)),
      tolerance: 'scaled',
    },
  ];
}

const pools: readonly (readonly [readonly number[], Pair, Pair | undefined, Pair | undefined])[] = [
  [[1, 1, 1, 1], [1, 1], undefined, undefined],
  [[2, 3, 6, 4], [2, 2], undefined, undefined],
  [
    [2, 3, 7, 5],
    [3, 2],
    [2, 1],
    [1, 1],
  ],
  [[1, 0, 4, 4], [2, 2], undefined, undefined],
  [
    [8, 16, 32, 31],
    [3, 3],
    [1, 1],
    [1, 1],
  ],
];

export const convolutions: readonly OpCases[] = [
  {
    ops: ['conv2d'],
    cases: [...table.flatMap(casesOf), ...deep.map(channelsLast)],
    refusals: [
      shape(
        () => ops.conv2d(ops.zeros([3, 4, 4]), ops.zeros([2, 3, 2, 2])),
        '[conv2d] expected x and weight of four axes, got [3, 4, 4] and [2, 3, 2, 2]',
      ),
      shape(
        () => ops.conv2d(ops.zeros([1, 4, 4, 4]), ops.zeros([2, 3, 2, 2])),
        '[conv2d] expected 3 channels (weight [2, 3, 2, 2]), got 4 in NCHW [1, 4, 4, 4]',
      ),
      shape(
        () => ops.conv2d(ops.zeros([1, 3, 2, 2]), ops.zeros([2, 3, 3, 3])),
        '[conv2d] expected a picture at least as large as the kernel [3, 3], got [2, 2] with padding [0, 0]',
      ),
      shape(
        () => ops.conv2d(ops.zeros([1, 3, 4, 4]), ops.zeros([2, 3, 3, 3]), ops.zeros([3])),
        '[conv2d] expected bias of shape [2] (weight [2, 3, 3, 3]), got [3]',
      ),
      argument(
        () => ops.conv2d(ops.zeros([1, 3, 4, 4]), ops.zeros([2, 3, 3, 3]), undefined, { stride: 0 }),
        '[conv2d] expected kernel and stride of at least 1, got [3, 3] and [0, 0]',
      ),
      argument(
        () => ops.conv2d(ops.zeros([1, 3, 4, 4]), ops.zeros([2, 3, 3, 3]), undefined, { dilation: 0.5 }),
        '[conv2d] expected dilation of at least 1, got [0.5, 0.5]',
      ),
      argument(
        () => ops.conv2d(ops.zeros([1, 6, 4, 4]), ops.zeros([4, 2, 3, 3]), undefined, { groups: 3 }),
        '[conv2d] expected groups that divide the 4 outputs, got 3',
      ),
      shape(
        () => ops.conv2d(ops.zeros([1, 3, 4, 4]), ops.zeros([4, 3, 3, 3]), undefined, { groups: 2 }),
        '[conv2d] expected 6 channels (weight [4, 3, 3, 3] in 2 groups), got 3 in NCHW [1, 3, 4, 4]',
      ),
      shape(
        () => ops.conv2d(ops.zeros([1, 3, 4, 4]), ops.zeros([2, 3, 3, 3]), undefined, { dilation: 2 }),
        '[conv2d] expected a picture at least as large as the kernel [5, 5], got [4, 4] with padding [0, 0]',
      ),
      argument(
        () => ops.conv2d(ops.zeros([1, 3, 4, 4]), ops.zeros([2, 3, 3, 3]), undefined, { padding: -1 }),
        '[conv2d] expected non-negative padding, got [-1, -1]',
      ),
      argument(
        () => ops.conv2d(ops.zeros([1, 3, 4, 4]), ops.zeros([2, 3, 3, 3]), undefined, { layout: 'CHWN' as 'NCHW' }),
        "[conv2d] expected layout 'NCHW' or 'NHWC', got 'CHWN'",
      ),
    ],
  },
  {
    ops: ['avgPool2d'],
    cases: pools.map(([x, kernel, stride = kernel, padding = [0, 0]]) => ({
      name: `avgPool2d [${x}] by ${kernel}, stride ${stride}, padding ${padding}`,
      inputs: { x: normal(x) },
      forward: (inputs) => ops.avgPool2d(inputs.x, kernel, { stride, padding }),
      reference: (inputs) => {
        const [n, c, h, w] = x;
        const rows = { shape: [n * c, 1, h, w], data: inputs.x.data };
        const weight = build([1, 1, ...kernel], () => 1 / (kernel[0] * kernel[1]));
        const {
          shape: [, , a, b],
          data,
        } = convolved(rows, weight, undefined, { stride, padding, dilation: [1, 1], groups: 1 });
        return { shape: [n, c, a, b], data };
      },
      tolerance: 'scaled',
    })),
    refusals: [
      shape(() => ops.avgPool2d(ops.zeros([2, 2]), 2), '[avgPool2d] expected x [N, C, H, W], got [2, 2]'),
      argument(
        () => ops.avgPool2d(ops.zeros([1, 1, 2, 2]), 1.5),
        '[avgPool2d] expected kernel and stride of at least 1, got [1.5, 1.5] and [1.5, 1.5]',
      ),
    ],
  },
  {
    ops: ['patchify'],
    cases: (
      [
        [[1, 1, 1, 1], 1],
        [[2, 3, 8, 4], 4],
        [
          [2, 3, 6, 8],
          [3, 2],
        ],
        [[0, 3, 4, 4], 2],
        [[1, 3, 112, 112], 16],
      ] as const
    ).map(([x, patch]) => ({
      name: `patchify [${x}] by ${patch}`,
      inputs: { x: normal(x) },
      forward: (inputs) => ops.patchify(inputs.x, patch),
      reference: (inputs) => {
        const [ph, pw] = typeof patch === 'number' ? [patch, patch] : patch;
        const [n, c, h, w] = x;
        const across = w / pw;
        return build([n, (h / ph) * across, c * ph * pw], ([i, token, element]) => {
          const channel = Math.floor(element / (ph * pw));
          const inside = element % (ph * pw);
          return at(inputs.x, [
            i,
            channel,
            Math.floor(token / across) * ph + Math.floor(inside / pw),
            (token % across) * pw + (inside % pw),
          ]);
        });
      },
      tolerance: 'exact',
    })),
    refusals: [
      shape(
        () => ops.patchify(ops.zeros([1, 3, 5, 4]), 4),
        '[patchify] expected [N, C, H, W] or [N, C, T, H, W] with extents that are multiples of [4, 4], got [1, 3, 5, 4]',
      ),
      argument(() => ops.patchify(ops.zeros([1, 3, 4, 4]), 0), '[patchify] expected patches of at least 1, got [0, 0]'),
    ],
  },
];
