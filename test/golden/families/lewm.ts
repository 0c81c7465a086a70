// LeWorldModel through the library: embeddings, predictions, losses, rollouts with all of their gradients, and a short training run.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostTensor, parseSafetensors } from '#lib/io/safetensors.js';
import { LeWM, type LeWMOptions } from '#lib/models/lewm.js';
import { namingOf, releasedNames } from '#lib/models/lewm-names.js';
import { add, broadcastTo, mul, reshape, sum } from '#lib/ops/index.js';
import { compile, grad, stopGradient, type Tensor, type Variable } from '#lib/tensor/index.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import { inputsOf, values } from './differentiate.js';
import type { Family } from './index.js';
import { trainingCurve } from './lewm-training.js';

interface Reference {
  readonly encoder: Record<'patch_size' | 'image_size' | 'hidden_size' | 'intermediate_size', number> &
    Record<'num_hidden_layers' | 'num_attention_heads', number>;
  readonly predictor: Record<'num_frames' | 'depth' | 'heads' | 'mlp_dim' | 'hidden_dim' | 'dim_head', number> &
    Record<'dropout' | 'emb_dropout', number>;
  readonly action_encoder: Record<'input_dim' | 'smoothed_dim' | 'emb_dim' | 'mlp_scale', number>;
  readonly projector: Record<'hidden_dim' | 'output_dim', number>;
}

function optionsOf({ entry }: GoldenCall): LeWMOptions {
  const { encoder, predictor, action_encoder: action, projector } = entry.config as Reference;
  if (predictor.dropout > 0 || predictor.emb_dropout > 0) throw new Error('dropout is not known to this library');
  return {
    encoder: {
      imageSize: encoder.image_size,
      patchSize: encoder.patch_size,
      width: encoder.hidden_size,
      depth: encoder.num_hidden_layers,
      heads: encoder.num_attention_heads,
      hidden: encoder.intermediate_size,
    },
    embeddingSize: projector.output_dim,
    projector: projector.hidden_dim,
    predictor: {
      width: predictor.hidden_dim,
      depth: predictor.depth,
      heads: predictor.heads,
      headWidth: predictor.dim_head,
      hidden: predictor.mlp_dim,
    },
    action: { size: action.input_dim, smoothed: action.smoothed_dim, hidden: action.emb_dim * action.mlp_scale },
    historySize: predictor.num_frames,
  };
}

/** What the case's name begins with, as a function of its inputs. */
const tasks: Record<string, (model: LeWM, own: Record<string, Tensor>, call: GoldenCall) => Record<string, Tensor>> = {
  encode: (model, { pixels, action }) => ({ emb: model.encode(pixels), act_emb: model.encodeActions(action) }),
  predict: (model, { emb, act_emb }) => ({ pred: model.predict(emb, act_emb) }),
  loss: (model, { pixels, action, directions }, { options }) => {
    const { loss, predLoss, sigregLoss, embeddings, conditions, predicted } = model.loss(pixels, action, {
      directions,
      sigregWeight: options.sigreg_weight as number,
      knots: options.knots as number,
    });
    return {
      loss,
      pred_loss: predLoss,
      sigreg_loss: sigregLoss,
      emb: embeddings,
      act_emb: conditions,
      pred: predicted,
    };
  },
  rollout: (model, { pixels, goal, action }) => {
    const [batch, samples, steps, size] = action.shape;
    const seen = stopGradient(model.encode(pixels));
    const [, frames, width] = seen.shape;
    const each = broadcastTo(reshape(seen, [batch, 1, frames, width]), [batch, samples, frames, width]);
    const rows = batch * samples;
    const future = model.rollout(reshape(each, [rows, frames, width]), reshape(action, [rows, steps, size]));
    const wanted = stopGradient(model.encode(goal));
    const target = reshape(broadcastTo(wanted, [batch, samples, width]), [rows, width]);
    return {
      cost: reshape(model.cost(future, target), [batch, samples]),
      predicted_emb: reshape(future, [batch, samples, -1, width]),
      goal_emb: wanted,
    };
  },
};

/** Queries, keys and values of a gradient have names of their own: thirds of its rows. */
function thirds(names: readonly string[], gradient: Float64Array): (readonly [string, Float64Array])[] {
  const size = gradient.length / names.length;
  return names.map((name, index) => [`grad.${name}`, gradient.subarray(index * size, (index + 1) * size)]);
}

export const runLeWM: Family = async (call) => {
  const kind = call.name.split('-')[0];
  const task = tasks[kind];
  if (!task && call.name !== 'train-curve')
    throw new Error(
      `'${call.name}' is not known to this library: it has ${Object.keys(tasks).join('-…, ')}-…, train-curve`,
    );
  const model = new LeWM(optionsOf(call)).train(call.options.training === true);
  const path = (call.entry.model as string | undefined) ?? 'model.safetensors';
  const { tensors: released } = parseSafetensors(readFileSync(join(call.folder, path)));
  await model.loadReleased(released);
  if (!task) return { composed: [], tensors: await trainingCurve(model, call) };

  const naming = namingOf(released);
  const parameters = model.namedParameters();
  const run = compile((own: Record<string, Tensor>, weights: Record<string, Tensor>) => {
    const outputs = task(model, own, call);
    const terms = Object.entries(weights).map(([name, weight]) => sum(mul(outputs[name], weight)));
    const scalar = terms.length > 0 ? terms.reduce((a, b) => add(a, b)) : outputs.loss;
    const found = grad(scalar, [...parameters.values(), ...Object.values(own)]);
    const kept = (entries: Iterable<[string, Tensor | Variable]>): Record<string, Tensor> =>
      Object.fromEntries(
        [...entries].flatMap(([name, of]) => (found.has(of) ? [[name, found.get(of) as Tensor]] : [])),
      );
    return { outputs, parameters: kept(parameters), inputs: kept(Object.entries(own)) };
  });
  const result = await run(inputsOf(call), inputsOf(call, 'cotangent.'));

  const actual = new Map<string, Float64Array>();
  for (const [name, output] of Object.entries(result.outputs)) actual.set(`output.${name}`, await values(output));
  for (const [name, state] of await model.stateDict())
    if (name.includes('running')) actual.set(`output.${name.replace('.norm', '')}`, numbersOf(state));
  for (const [name, gradient] of Object.entries(result.parameters))
    for (const [theirs, part] of thirds(releasedNames(name, naming), await values(gradient))) actual.set(theirs, part);
  for (const [name, gradient] of Object.entries(result.inputs))
    actual.set(`grad.input.${name}`, await values(gradient));
  const tensors = [...call.outputs, ...call.gradients].map((name): Verdict => {
    const found = actual.get(name);
    const expected = numbersOf(call.tensors.get(name) as HostTensor);
    if (!found) return { name, error: Number.POSITIVE_INFINITY, tolerance: 0, pass: false };
    return verdict(call, name, found, expected, name.startsWith('output.') ? 'output' : 'gradient');
  });
  return { composed: [], tensors };
};
