import {
  add,
  concat,
  div,
  isFinite as finite,
  gatherTokens,
  mul,
  neg,
  reshape,
  sqrt,
  square,
  sub,
  topK,
  where,
  zeros,
} from '../ops/index.js';
import { clipFactor, globalNorm } from '../optim/clip.js';
import { grad, scalar, type Tensor } from '../tensor/index.js';
import type { Draw, Memory } from './method.js';
import { boundedDefaults, refuse } from './settings.js';

/** How plans go down the gradient of their costs. */
export type DescentRule = 'sgd' | 'adam' | 'adamw';

export interface DescentOptions {
  /** 'adam' (default), 'adamw', which also draws actions to 0, or 'sgd'. */
  readonly optimiser?: DescentRule;
  /** Default .1. */
  readonly learningRate?: number;
}

export const descentDefaults = {
  ...boundedDefaults,
  numSamples: 16,
  iterations: 30,
  optimiser: 'adam' as DescentRule,
  learningRate: 0.1,
};

export function expectRule(solver: string, rule: DescentRule): void {
  if (!['sgd', 'adam', 'adamw'].includes(rule)) refuse(solver, "optimiser 'sgd', 'adam' or 'adamw'", `'${rule}'`);
}

const betas = [0.9, 0.999] as const;
const epsilon = 1e-8;
const weightDecay = 0.01;

/** What an optimiser remembers of plans: means of gradients and their squares, and by how much these fall short of full ones. */
export function rested(plans: Tensor, rule: DescentRule): Memory {
  if (rule === 'sgd') return {};
  const none = zeros(plans.shape);
  return { firstMoment: none, secondMoment: none, firstWeight: scalar(0), secondWeight: scalar(0) };
}

/**
 * One step of SGD, Adam (Kingma & Ba 2015) or AdamW (weight decay .01), as PyTorch's with its defaults. The corrections 1 − β^t are taken
 * from step to step as w ← β·w + (1 − β), which loses no digits where β is near 1.
 */
export function descended(
  plans: Tensor,
  gradient: Tensor,
  memory: Memory,
  { optimiser, learningRate }: Required<DescentOptions>,
): { readonly plans: Tensor; readonly memory: Memory } {
  if (optimiser === 'sgd') return { plans: sub(plans, mul(gradient, learningRate)), memory: {} };
  const [beta1, beta2] = betas;
  const firstMoment = add(mul(memory.firstMoment, beta1), mul(gradient, 1 - beta1));
  const secondMoment = add(mul(memory.secondMoment, beta2), mul(square(gradient), 1 - beta2));
  const firstWeight = add(mul(memory.firstWeight, beta1), 1 - beta1);
  const secondWeight = add(mul(memory.secondWeight, beta2), 1 - beta2);
  const kept = optimiser === 'adamw' ? mul(plans, 1 - learningRate * weightDecay) : plans;
  const root = add(sqrt(div(secondMoment, secondWeight)), epsilon);
  return {
    plans: sub(kept, div(mul(div(firstMoment, firstWeight), learningRate), root)),
    memory: { firstMoment, secondMoment, firstWeight, secondWeight },
  };
}

/**
 * Gradient of a loss with respect to plans, clipped to a norm that all of them share. A plan whose gradient is not finite stays where it
 * is: its cost is infinite, so it is never the answer.
 */
export function gradientOf(loss: Tensor, plans: Tensor, clipNorm: number | null): Tensor {
  const found = grad(loss, [plans]).get(plans) ?? zeros(plans.shape);
  const usable = where(finite(found), found, 0);
  return clipNorm === null ? usable : mul(usable, clipFactor(globalNorm([usable]), clipNorm));
}

/** The plan to start from [B, W], and others around it, drawn as `start` [B, S − 1, horizon, actionSize]: [B, S, W]. */
export function scattered(first: Tensor, draw: Draw, samples: number, std: number, actionSize: number): Tensor {
  const [problems, width] = first.shape;
  const centre = reshape(first, [problems, 1, width]);
  if (samples === 1) return centre;
  const noise = reshape(draw('start', [problems, samples - 1, width / actionSize, actionSize]), [
    problems,
    samples - 1,
    width,
  ]);
  return concat([centre, add(centre, mul(noise, std))], 1);
}

/** Of plans [B, S, W] those of least cost [B, S]: [B, W]. */
export function leastCostly(plans: Tensor, costs: Tensor): Tensor {
  return reshape(gatherTokens(plans, topK(neg(costs), 1).indices), [plans.shape[0], plans.shape[2]]);
}
