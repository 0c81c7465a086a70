// What the training suites share: steps that are checked by their losses and gradient norms, then timed one after the other.
import type { Compiled, Tensor } from '#lib/index.js';
import type { Unavailable } from './match.js';
import { unavailable } from './precision.js';
import { serve, turn } from './serve.js';
import type { Precision } from './suite.js';

export const stepOptions = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.05 } as const;
/** Large enough for the first updates to show in the losses that are compared. */
export const checkRates = [1e-3, 1e-3, 1e-3] as const;
export const timedRate = 1e-5;
export const turnMs = 1000;

/** Loss and gradient norm of the first steps. */
export interface StepCheck {
  readonly loss: readonly number[];
  readonly gradNorm: readonly number[];
}

/** The first step has the same weights everywhere; in later ones AdamW turns rounding noise into steps of full size. */
const allowed: Record<Precision, { readonly first: number; readonly later: number }> = {
  float32: { first: 1e-4, later: 5e-3 },
  bfloat16: { first: 2e-2, later: 5e-2 },
  int8: { first: 0, later: 0 },
};

/** The largest relative error in units of what is allowed at its step. */
export function compareSteps(
  answer: StepCheck,
  own: StepCheck,
  precision: Precision,
): { readonly error: number; readonly allowed: number } {
  const { first, later } = allowed[precision];
  let error = 0;
  for (const key of ['loss', 'gradNorm'] as const)
    for (const [step, value] of answer[key].entries()) {
      const relative = Math.abs(value - own[key][step]) / Math.abs(own[key][step]);
      error = Math.max(
        error,
        Number.isNaN(relative) ? Number.POSITIVE_INFINITY : (relative / (step === 0 ? first : later)) * first,
      );
    }
  return { error, allowed: first };
}

/** Takes the compared steps. @param one a step at a learning rate */
export async function firstSteps(
  one: (rate: number) => Promise<{ readonly loss: number; readonly gradNorm: number }>,
): Promise<StepCheck> {
  const steps: { readonly loss: number; readonly gradNorm: number }[] = [];
  for (const rate of checkRates) steps.push(await one(rate));
  return { loss: steps.map(({ loss }) => loss), gradNorm: steps.map(({ gradNorm }) => gradNorm) };
}

/** What a step answers. */
export interface Stepped {
  readonly loss: Tensor;
  readonly gradNorm: Tensor;
}

/**
 * Serves a compiled step.
 * @param compiled makes it, or throws because the library has not got the precision   @param inputs arguments of step `index`
 */
export async function serveSteps<Arguments extends readonly unknown[]>(
  compiled: () => Compiled<Arguments, Stepped>,
  inputs: (index: number, rate: number) => NoInfer<Arguments>,
): Promise<void> {
  let done = 0;
  let step: Compiled<Arguments, Stepped> | undefined;
  const one = async (rate: number): Promise<Stepped> => {
    step ??= compiled();
    return step(...inputs(done++, rate));
  };
  await serve({
    check: async (): Promise<StepCheck | Unavailable> => {
      try {
        return await firstSteps(async (rate) => {
          const { loss, gradNorm } = await one(rate);
          return { loss: await loss.item(), gradNorm: await gradNorm.item() };
        });
      } catch (error) {
        return unavailable(error);
      }
    },
    time: () => turn(turnMs, async () => (await one(timedRate)).loss.item()),
    /** A table of kernels, slowest first. */
    profile: async (): Promise<string> => {
      step ??= compiled();
      return (await step.profile(...inputs(done++, timedRate))).toString();
    },
  });
}
