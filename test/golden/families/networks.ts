import * as losses from '#lib/nn/losses/index.js';
import * as ops from '#lib/ops/index.js';
import { arange, grad, type Tensor } from '#lib/tensor/index.js';
import type { Inputs, Table } from './tables.js';

type Pair = readonly [number, number];

/** The library's mask options from the case's words. */
function maskOf({ key_length, key_mask, mask }: Inputs, attributes: Record<string, unknown>): ops.AttentionMask {
  const queryOffset = (attributes.query_offset as number | undefined) ?? 0;
  switch (attributes.mask) {
    case 'full':
      return {};
    case 'causal':
      return { causal: true, queryOffset };
    case 'block_causal':
      return {
        queryOffset,
        block: { size: attributes.block as number, blocks: attributes.window_blocks as number | undefined },
      };
    case 'local_window':
      return {
        queryOffset,
        window: { left: attributes.window as number, right: attributes.causal ? 0 : (attributes.window as number) },
      };
    case 'key_prefix':
      return { keyLength: key_length };
    case 'key_mask':
      return { mask: ops.reshape(key_mask, [key_mask.shape[0], 1, 1, key_mask.shape[1]]) };
    case 'mask':
      return { mask };
    default:
      throw new Error(`mask '${String(attributes.mask)}' is not known to this library`);
  }
}

const activations: Record<string, ops.ActivationKind | undefined> = {
  none: 'none',
  gelu_erf: 'gelu',
  gelu_tanh: 'geluTanh',
  silu: 'silu',
  relu: 'relu',
};

export const networks: Table = {
  direct: {
    matmul: ({ a, b }, { transpose_a, transpose_b }) => ({
      y: ops.matmul(a, b, { transposeA: transpose_a, transposeB: transpose_b }),
    }),
    conv2d: ({ x, weight, bias }, { stride, padding }) => ({
      y: ops.conv2d(x, weight, bias, { stride: stride as unknown as Pair, padding: padding as unknown as Pair }),
    }),
    layer_norm: ({ x, weight, bias }, { eps }) => ({ y: ops.layerNorm(x, weight, bias, { epsilon: eps }) }),
    attention: (inputs, attributes) => ({
      y: ops.attention(inputs.q, inputs.k, inputs.v, { scale: attributes.scale, ...maskOf(inputs, attributes) }),
    }),
    gru_cell: ({ x, h, weight_ih, weight_hh, bias_ih, bias_hh }) => ({
      y: ops.gruCell(x, h, weight_ih, weight_hh, bias_ih, bias_hh),
    }),
    loss_mse: ({ x, target }, { reduction }) => ({ y: losses.mse(x, target, { reduction }) }),
    loss_l1: ({ x, target }, { reduction }) => ({ y: losses.l1(x, target, { reduction }) }),
    loss_smooth_l1: ({ x, target }, { reduction, beta }) => ({ y: losses.smoothL1(x, target, { reduction, beta }) }),
    loss_cosine: ({ a, b }, { eps }) => ({
      y: losses.cosine(a, b, { epsilon: eps }),
      similarity: losses.cosineSimilarity(a, b, { epsilon: eps }),
    }),
    loss_cross_entropy: ({ logits, target }, { label_smoothing, reduction }) => ({
      y: losses.crossEntropy(logits, target, { labelSmoothing: label_smoothing, reduction }),
    }),
    loss_info_nce: ({ a, b }, { temperature, symmetric, normalize, variant }) => ({
      y:
        (variant as string | undefined) === 'nt_xent'
          ? losses.ntXent(a, b, { temperature })
          : losses.infoNCE(a, b, { temperature, symmetric, normalize }),
    }),
    loss_variance_hinge: ({ z }, { gamma, eps, correction }) => ({
      y: losses.varianceLoss(z, { gamma, epsilon: eps, correction }),
    }),
    loss_covariance: ({ z }, { normalisation }) => ({ y: losses.covarianceLoss(z, { normalisation }) }),
    loss_vicreg: ({ a, b }, { style, invariance, variance, covariance }) => {
      const { loss, ...terms } = losses.vicreg(a, b, { style, invariance, variance, covariance });
      return { y: loss, ...terms };
    },
  },
  composed: {
    linear: ({ x, weight, bias, residual }, { activation }) => {
      const known = activations[activation as string];
      if (known) return { y: ops.linear(x, weight, bias, { activation: known, residual }) };
      const y = ops.sigmoid(ops.linear(x, weight, bias));
      return { y: residual ? ops.add(y, residual) : y };
    },
    batch_norm: ({ x, running_mean, running_var, weight, bias }, attributes) => {
      const { train, momentum, eps, num_batches_tracked } = attributes as unknown as {
        train: boolean;
        momentum: number | null;
        eps: number;
        num_batches_tracked?: number;
      };
      const { y, batchMean, batchVar } = ops.batchNorm(x, {
        weight,
        bias,
        runningMean: running_mean,
        runningVar: running_var,
        training: train,
        epsilon: eps,
      });
      const share = momentum ?? 1 / ((num_batches_tracked ?? 0) + 1);
      const next = (running: Tensor | undefined, batch: Tensor | undefined): Tensor =>
        running && batch ? ops.add(ops.mul(running, 1 - share), ops.mul(batch, share)) : (running as Tensor);
      return { y, running_mean: next(running_mean, batchMean), running_var: next(running_var, batchVar) };
    },
    ada_layer_norm: ({ x, shift, scale, gate, residual }, { eps, per, tokens_per_step }) => {
      const spread = (values: Tensor): Tensor => {
        const [batch, , width] = x.shape;
        if ((per as string) === 'sample') return ops.reshape(values, [batch, 1, width]);
        if ((per as string) === 'token') return values;
        const steps = values.shape[1];
        return ops.reshape(
          ops.broadcastTo(ops.reshape(values, [batch, steps, 1, width]), [batch, steps, tokens_per_step, width]),
          x.shape,
        );
      };
      if (gate) return { y: ops.add(residual, ops.mul(spread(gate), x)) };
      return {
        y: ops.add(
          ops.mul(ops.layerNorm(x, undefined, undefined, { epsilon: eps }), ops.add(spread(scale), 1)),
          spread(shift),
        ),
      };
    },
    rms_norm: ({ x, weight }, { eps }) => {
      const y = ops.mul(x, ops.rsqrt(ops.add(ops.mean(ops.square(x), { axes: [-1], keepDims: true }), eps)));
      return { y: weight ? ops.mul(y, weight) : y };
    },
    conv3d: ({ x, weight, bias }, attributes) => {
      const [[st, sh, sw], [pt, ph, pw]] = [attributes.stride, attributes.padding] as unknown as readonly number[][];
      const [n, , frames] = x.shape;
      const [outputs, , kt] = weight.shape;
      const padded = ops.pad(x, [[0, 0], [0, 0], [pt, pt], [0, 0], [0, 0]]); // biome-ignore format: an axis each
      const times = Math.floor((frames + 2 * pt - kt) / st) + 1;
      // A sum of two-dimensional convolutions over the kernel's times.
      const parts = Array.from({ length: kt }, (_, k) => {
        const picked = ops.permute(ops.slice(padded, 2, k, k + (times - 1) * st + 1, st), [0, 2, 1, 3, 4]);
        const kernel = ops.squeeze(ops.slice(weight, 2, k, k + 1), [2]);
        const pictures = ops.reshape(picked, [n * times, ...picked.shape.slice(2)]);
        return ops.conv2d(pictures, kernel, k === 0 ? bias : undefined, { stride: [sh, sw], padding: [ph, pw] });
      });
      const y = parts.reduce((sum, part) => ops.add(sum, part));
      return { y: ops.permute(ops.reshape(y, [n, times, outputs, ...y.shape.slice(2)]), [0, 2, 1, 3, 4]) };
    },
    conv_transpose2d: ({ x, weight, bias }, attributes) => {
      const { stride, padding, output_padding } = attributes as unknown as Record<string, Pair>;
      const [n, , ...size] = x.shape;
      const [, outputs, ...kernel] = weight.shape;
      const extents = size.map((e, k) => (e - 1) * stride[k] - 2 * padding[k] + kernel[k] + output_padding[k]);
      // The adjoint of the convolution with the same weight.
      const picture = ops.zeros([n, outputs, ...extents]);
      const forward = ops.conv2d(picture, weight, undefined, { stride, padding });
      const y = grad(ops.sum(ops.mul(forward, x)), [picture]).get(picture) as Tensor;
      return { y: bias ? ops.add(y, ops.reshape(bias, [outputs, 1, 1])) : y };
    },
    group_norm: ({ x, weight, bias }, { num_groups, eps }) => {
      const [batch, channels] = x.shape;
      const grouped = ops.layerNorm(ops.reshape(x, [batch, num_groups, -1]), undefined, undefined, { epsilon: eps });
      const perChannel = (values: Tensor): Tensor =>
        ops.reshape(
          values,
          x.shape.map((_, axis) => (axis === 1 ? channels : 1)),
        );
      return { y: ops.add(ops.mul(ops.reshape(grouped, x.shape), perChannel(weight)), perChannel(bias)) };
    },
    avg_pool2d: ({ x }, attributes) => {
      const { kernel_size, stride, padding, global, count_include_pad } = attributes as unknown as {
        kernel_size: Pair;
        stride: Pair;
        padding: Pair;
        global?: boolean;
        count_include_pad?: boolean;
      };
      if (global) return { y: ops.mean(x, { axes: [2, 3] }) };
      const pooled = ops.avgPool2d(x, kernel_size, { stride, padding });
      if (count_include_pad !== false || padding.every((width) => width === 0)) return { y: pooled };
      return { y: ops.div(pooled, ops.avgPool2d(ops.ones(x.shape), kernel_size, { stride, padding })) };
    },
    patchify: ({ x }, { patch }) => {
      const size = patch as unknown as number[];
      if (size.length === 2) return { y: ops.patchify(x, size as unknown as Pair) };
      const [n, c, t, h, w] = x.shape;
      const [pt, ph, pw] = size;
      const split = ops.reshape(x, [n, c, t / pt, pt, h / ph, ph, w / pw, pw]);
      return { y: ops.reshape(ops.permute(split, [0, 2, 4, 6, 1, 3, 5, 7]), [n, -1, c * pt * ph * pw]) };
    },
    gru: ({ x, h, weight_ih, weight_hh, bias_ih, bias_hh }) => {
      let state = h;
      const states: Tensor[] = [];
      for (let t = 0; t < x.shape[0]; t++) {
        state = ops.gruCell(
          ops.reshape(ops.slice(x, 0, t, t + 1), x.shape.slice(1)),
          state,
          weight_ih,
          weight_hh,
          bias_ih,
          bias_hh,
        );
        states.push(state);
      }
      return { y: ops.stack(states, 0), h_last: state };
    },
    loss_barlow_twins: ({ a, b }, attributes) => {
      const { lambda, eps } = attributes as unknown as { lambda: number; eps: number };
      const standardised = (z: Tensor): Tensor => {
        const centred = ops.sub(z, ops.mean(z, { axes: [0], keepDims: true }));
        return ops.mul(centred, ops.rsqrt(ops.add(ops.mean(ops.square(centred), { axes: [0], keepDims: true }), eps)));
      };
      const [n, d] = a.shape;
      const c = ops.div(ops.matmul(standardised(a), standardised(b), { transposeA: true }), n);
      const diagonal = ops.equal(ops.reshape(arange(0, d), [d, 1]), arange(0, d));
      return {
        y: ops.add(
          ops.sum(ops.where(diagonal, ops.square(ops.sub(c, 1)), 0)),
          ops.mul(ops.sum(ops.where(diagonal, 0, ops.square(c))), lambda),
        ),
      };
    },
    loss_margin_ranking: ({ a, b, sign }, { margin }) => ({
      y: ops.mean(ops.relu(ops.add(ops.neg(ops.mul(sign, ops.sub(a, b))), margin))),
    }),
    loss_hinge: ({ x, sign }, { margin }) => ({ y: ops.mean(ops.relu(ops.sub(margin, ops.mul(sign, x)))) }),
    loss_triplet_margin: ({ anchor, positive, negative }, { margin, eps }) => {
      const distance = (other: Tensor): Tensor =>
        ops.sqrt(ops.sum(ops.square(ops.add(ops.sub(anchor, other), eps)), { axes: [1] }));
      return { y: ops.mean(ops.relu(ops.add(ops.sub(distance(positive), distance(negative)), margin))) };
    },
  },
};
