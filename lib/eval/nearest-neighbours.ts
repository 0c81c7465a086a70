import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';

const metrics = {
  euclidean: (a, b, width, i, j) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += (a[i + k] - b[j + k]) ** 2;
    return Math.sqrt(sum);
  },
  manhattan: (a, b, width, i, j) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += Math.abs(a[i + k] - b[j + k]);
    return sum;
  },
  /** 1 − cosine of the angle; 1 where a side is 0 and has no direction. */
  cosine: (a, b, width, i, j) => {
    let [product, squareA, squareB] = [0, 0, 0];
    for (let k = 0; k < width; k++) {
      product += a[i + k] * b[j + k];
      squareA += a[i + k] ** 2;
      squareB += b[j + k] ** 2;
    }
    return product === 0 ? 1 : 1 - product / Math.sqrt(squareA * squareB);
  },
} satisfies Record<
  string,
  (a: ArrayLike<number>, b: ArrayLike<number>, width: number, atA: number, atB: number) => number
>;

export interface NeighbourOptions {
  /** Width D of the features. */
  readonly width: number;
  /** Number of classes; labels are from 0. */
  readonly classes: number;
  /** Neighbours that vote (default 20). */
  readonly k?: number;
  /** Added to the distance before a vote is its inverse (default .07). */
  readonly temperature?: number;
  readonly metric?: keyof typeof metrics;
}

/**
 * Weighted vote of the k nearest neighbours, the probe that needs no training: the score of a class is the sum over its neighbours of
 * 1/(distance + temperature), as in stable-pretraining; scores are not normalised.
 * @param bank features with labels [N, D]   @param labels [N]   @param queries [M, D]
 * @returns scores [M, classes], and the class of the highest, the first of equals [M]
 * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION
 * @example const { prediction } = nearestNeighbours(train, labels, test, { width: 192, classes: 10, metric: 'cosine' });
 */
export function nearestNeighbours(
  bank: ArrayLike<number>,
  labels: ArrayLike<number>,
  queries: ArrayLike<number>,
  options: NeighbourOptions,
): { scores: Float64Array; prediction: Int32Array } {
  checkOptions('nearestNeighbours', options, ['width', 'classes', 'k', 'temperature', 'metric']);
  const { width, classes, k = 20, temperature = 0.07, metric = 'euclidean' } = options;
  const [known, asked] = [bank.length / width, queries.length / width];
  if (!(Number.isInteger(asked) && known === labels.length))
    throw new JepaError(
      'ERR_JEPA_SHAPE',
      `[nearestNeighbours] expected rows of width ${width} and a label for each of the bank, got ${bank.length} and ${queries.length} numbers and ${labels.length} labels`,
    );
  if (!(Number.isInteger(k) && k >= 1 && k <= known) || !Object.hasOwn(metrics, metric) || !(temperature >= 0))
    throw new JepaError(
      'ERR_JEPA_INVALID_ARGUMENT',
      `[nearestNeighbours] expected k from 1 to ${known}, a temperature of at least 0 and a metric among ${Object.keys(metrics).join(', ')}, got ${k}, ${temperature} and '${metric}'`,
    );
  for (let i = 0; i < labels.length; i++)
    if (!(Number.isInteger(labels[i]) && labels[i] >= 0 && labels[i] < classes))
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[nearestNeighbours] expected labels from 0 to ${classes - 1}, got ${labels[i]} at ${i}`,
      );
  const scores = new Float64Array(asked * classes);
  const prediction = new Int32Array(asked);
  const order = Array.from({ length: known }, (_, row) => row);
  for (let query = 0; query < asked; query++) {
    const distances = Float64Array.from(order, (row) =>
      metrics[metric](queries, bank, width, query * width, row * width),
    );
    const nearest = [...order].sort((a, b) => distances[a] - distances[b]).slice(0, k);
    for (const row of nearest) scores[query * classes + labels[row]] += 1 / (distances[row] + temperature);
    const own = scores.subarray(query * classes, (query + 1) * classes);
    prediction[query] = own.indexOf(Math.max(...own));
  }
  return { scores, prediction };
}
