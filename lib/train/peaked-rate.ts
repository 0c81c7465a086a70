import { type Schedule, warmupCosine } from '../optim/schedules.js';

/** Up to a peak in `warmupSteps`, at most a quarter of all, and by a cosine down to `finalFraction` of it. */
export function peakedRate(
  {
    learningRate,
    warmupSteps,
    finalFraction,
  }: { readonly learningRate: number; readonly warmupSteps: number; readonly finalFraction: number },
  steps: number,
): Schedule {
  const warmup = Math.min(warmupSteps, Math.floor(steps / 4));
  return warmupCosine({ base: learningRate, final: learningRate * finalFraction, warmup, total: steps });
}
