import { JepaError } from '../../errors.js';
import { checkOptions } from '../../io/options.js';
import {
  add,
  cast,
  concat,
  div,
  equal,
  gatherRows,
  logsumexp,
  matmul,
  mean,
  mul,
  notEqual,
  reshape,
  sub,
  sum,
  where,
  zeros,
} from '../../ops/index.js';
import { arange, type Tensor, tensor } from '../../tensor/index.js';
import { type LossOptions, normalize } from './distance.js';

export interface CrossEntropyOptions extends LossOptions {
  /** Share of the target that is spread evenly over all classes (default 0). */
  readonly labelSmoothing?: number;
  /** Rows with this target count neither above nor below the fraction bar (default −100). */
  readonly ignoreIndex?: number;
}

/**
 * −log softmax(logits)[target], mean over the rows that count, their sum, or each row's (0 where ignored).
 * @param logits [..., C]   @param target int32 [...]   @returns scalar, or [...] without reduction
 * @throws JepaError ERR_JEPA_SHAPE, and ERR_JEPA_INDEX_RANGE when run if another target is no class
 * @example await crossEntropy(tensor([[0, 0]]), tensor([1], { dtype: 'int32' })).item(); // 0.69315
 */
export function crossEntropy(logits: Tensor, target: Tensor, options: CrossEntropyOptions = {}): Tensor {
  checkOptions('crossEntropy', options, ['labelSmoothing', 'ignoreIndex', 'reduction']);
  const { labelSmoothing = 0, ignoreIndex = -100, reduction = 'mean' } = options;
  const classes = logits.shape[logits.rank - 1];
  const rows = logits.size / classes;
  if (target.dtype !== 'int32' || target.size !== rows) {
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[crossEntropy] expected int32 targets of shape [${logits.shape.slice(0, -1).join(', ')}] for logits [${logits.shape.join(', ')}], got ${target.dtype} [${target.shape.join(', ')}]`,
    );
  }
  const flat = reshape(logits, [rows, classes]);
  const labels = reshape(target, [rows]);
  const counts = notEqual(labels, ignoreIndex);
  const scores = sum(where(equal(arange(0, classes), reshape(labels, [rows, 1])), flat, 0), { axes: [1] });
  // Adds nothing, but fails the step if a label is none of the classes: `where` above would not notice.
  const chosen = add(scores, gatherRows(zeros([classes]), where(counts, labels, 0)));
  const expected =
    labelSmoothing === 0
      ? chosen
      : add(mul(chosen, 1 - labelSmoothing), mul(mean(flat, { axes: [1] }), labelSmoothing));
  const losses = where(counts, sub(logsumexp(flat, 1), expected), 0);
  if (reduction === 'none') return reshape(losses, target.shape);
  return reduction === 'sum' ? sum(losses) : div(sum(losses), sum(cast(counts, 'float32')));
}

/** Dot products of all rows with all rows, in float32 whatever the model computes in: they are divided by a small temperature. */
function similarities(a: Tensor, b: Tensor): Tensor {
  return matmul(a, b, { transposeB: true, precision: 'float32' });
}

export interface InfoNCEOptions {
  /** Divides the similarities (default .1). */
  readonly temperature?: number;
  /** Mean of the loss over queries and the loss over keys, as in CLIP; needs as many keys as queries (default false). */
  readonly symmetric?: boolean;
  /** Compare directions, by dividing every row by its norm (default true). */
  readonly normalize?: boolean;
}

/**
 * InfoNCE (van den Oord, Li & Vinyals 2018): which key belongs to a query? Key i is query i's, all others are negatives.
 * @param queries [N, D]   @param keys [M, D], M ≥ N   @returns scalar
 * @example
 * const [predicted, actual] = [normal([32, 64], { seed: 1 }), normal([32, 64], { seed: 2 })];
 * const loss = infoNCE(predicted, actual, { temperature: 0.1 });
 */
export function infoNCE(queries: Tensor, keys: Tensor, options: InfoNCEOptions = {}): Tensor {
  checkOptions('infoNCE', options, ['temperature', 'symmetric', 'normalize']);
  const { temperature = 0.1, symmetric = false } = options;
  const unit = (options.normalize ?? true) ? (x: Tensor): Tensor => normalize(x) : (x: Tensor): Tensor => x;
  const count = queries.shape[0];
  if (keys.shape[0] < count || (symmetric && keys.shape[0] !== count)) {
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[infoNCE] expected ${symmetric ? '' : 'at least '}${count} keys for queries [${queries.shape.join(', ')}], got [${keys.shape.join(', ')}]`,
    );
  }
  const logits = div(similarities(unit(queries), unit(keys)), temperature);
  const own = arange(0, count);
  const forward = crossEntropy(logits, own);
  if (!symmetric) return forward;
  const backward = crossEntropy(div(similarities(unit(keys), unit(queries)), temperature), own);
  return mul(add(forward, backward), 0.5);
}

/**
 * NT-Xent (Chen et al. 2020, SimCLR): both views of a batch in one classification, every sample's other view among 2N − 1.
 * @param a [N, D]   @param b [N, D], row i of both the same sample   @returns scalar
 * @example
 * const [a, b] = [normal([32, 64], { seed: 1 }), normal([32, 64], { seed: 2 })]; // two views of 32 samples
 * const loss = ntXent(a, b);
 */
export function ntXent(a: Tensor, b: Tensor, options: { readonly temperature?: number } = {}): Tensor {
  checkOptions('ntXent', options, ['temperature']);
  const count = a.shape[0];
  const views = normalize(concat([a, b], 0));
  const logits = div(similarities(views, views), options.temperature ?? 0.1);
  const index = arange(0, 2 * count);
  const others = where(equal(index, reshape(index, [2 * count, 1])), Number.NEGATIVE_INFINITY, logits);
  return crossEntropy(others, tensor(Int32Array.from({ length: 2 * count }, (_, i) => (i + count) % (2 * count))));
}
