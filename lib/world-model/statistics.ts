import { mean, square, sub } from '../ops/index.js';
import { compile, type Tensor } from '../tensor/index.js';
import type { WorldModelNetwork } from './network.js';
import { extentsOf, type Observations } from './observations.js';

/** Mean and biased variance [D] of rows [N, D]. */
export function moments(rows: Tensor): { readonly average: Tensor; readonly variance: Tensor } {
  const average = mean(rows, { axes: [0] });
  return { average, variance: mean(square(sub(rows, average)), { axes: [0] }) };
}

/**
 * Estimates the running statistics of the encoder's batch normalisation from scratch: mean and unbiased variance of its
 * inputs over all given observations, combined exactly (Chan, Golub & LeVeque 1979).
 */
export async function refreshStatistics(
  network: WorldModelNetwork,
  observations: readonly Observations[],
): Promise<void> {
  const { normalisation } = network.encoder;
  const ofBatch = compile((batch: Observations) => moments(network.features(batch)), {
    name: 'normalisation statistics',
  });
  const width = normalisation.runningMean.size;
  const average = new Float64Array(width);
  const squares = new Float64Array(width);
  let count = 0;
  for (const batch of observations) {
    const [clips, frames] = extentsOf(batch);
    const rows = clips * frames;
    const outputs = await ofBatch(batch);
    const batchMean = await outputs.average.data();
    const batchVariance = await outputs.variance.data();
    for (let i = 0; i < width; i++) {
      const difference = batchMean[i] - average[i];
      squares[i] += batchVariance[i] * rows + (difference * difference * count * rows) / (count + rows);
      average[i] += (difference * rows) / (count + rows);
    }
    count += rows;
  }
  ofBatch.dispose();
  await normalisation.runningMean.write(Float32Array.from(average));
  await normalisation.runningVar.write(Float32Array.from(squares, (value) => value / Math.max(count - 1, 1)));
}
