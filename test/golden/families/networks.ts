import * as losses from '#lib/nn/losses/index.js';
import * as ops from '#lib/ops/index.js';
import type { Tensor } from '#lib/tensor/index.js';
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
    ada_layer_norm: ({ x, shift, scale, gate, residual }, { eps }) => ({
      y: gate ? ops.gatedAdd(residual, x, gate) : ops.adaLayerNorm(x, shift, scale, { epsilon: eps }),
    }),
    rms_norm: ({ x, weight }, { eps }) => ({ y: ops.rmsNorm(x, weight, { epsilon: eps }) }),
    group_norm: ({ x, weight, bias }, { num_groups, eps }) => ({
      y: ops.groupNorm(x, num_groups, weight, bias, { epsilon: eps }),
    }),
    conv3d: ({ x, weight, bias }, { stride, padding }) => ({ y: ops.conv3d(x, weight, bias, { stride, padding }) }),
    conv_transpose2d: ({ x, weight, bias }, { stride, padding, output_padding }) => ({
      y: ops.convTranspose2d(x, weight, bias, { stride, padding, outputPadding: output_padding }),
    }),
    avg_pool2d: ({ x }, { kernel_size, stride, padding, global, count_include_pad }) => ({
      y: global
        ? ops.mean(x, { axes: [2, 3] })
        : ops.avgPool2d(x, kernel_size, { stride, padding, countPadding: count_include_pad }),
    }),
    patchify: ({ x }, { patch }) => ({ y: ops.patchify(x, patch) }),
    gru: ({ x, h, weight_ih, weight_hh, bias_ih, bias_hh }) => {
      const { output, state } = ops.gru(ops.transpose(x, 0, 1), h, weight_ih, weight_hh, bias_ih, bias_hh);
      return { y: ops.transpose(output, 0, 1), h_last: state };
    },
    loss_barlow_twins: ({ a, b }, { lambda, eps }) => ({ y: losses.barlowTwins(a, b, { lambda, epsilon: eps }) }),
    loss_margin_ranking: ({ a, b, sign }, { margin }) => ({ y: losses.marginRanking(a, b, sign, { margin }) }),
    loss_hinge: ({ x, sign }, { margin }) => ({ y: losses.hinge(x, sign, { margin }) }),
    loss_triplet_margin: ({ anchor, positive, negative }, { margin, eps }) => ({
      y: losses.tripletMargin(anchor, positive, negative, { margin, epsilon: eps }),
    }),
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
  },
};
