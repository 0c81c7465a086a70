// LeWorldModel, the model of the benchmark suite: prediction from embeddings, and the loss with all of its gradients.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostTensor, parseSafetensors } from '#lib/io/safetensors.js';
import { mul, sum } from '#lib/ops/index.js';
import { compile, grad, type Tensor, type Variable } from '#lib/tensor/index.js';
import { LeWm, type LeWmConfig } from '../../../bench/models/lewm.js';
import type { GoldenCall } from '../case.js';
import { numbersOf, type Verdict, verdict } from '../compare.js';
import { given, inputsOf, values } from './differentiate.js';
import type { Family } from './index.js';

interface Reference {
  readonly encoder: Record<'patch_size' | 'image_size' | 'hidden_size' | 'intermediate_size', number> &
    Record<'num_hidden_layers' | 'num_attention_heads', number>;
  readonly predictor: Record<'num_frames' | 'depth' | 'heads' | 'mlp_dim' | 'hidden_dim' | 'dim_head', number>;
  readonly action_encoder: Record<'input_dim' | 'smoothed_dim' | 'emb_dim' | 'mlp_scale', number>;
  readonly projector: Record<'hidden_dim' | 'output_dim', number>;
}

function configOf({ entry, options }: GoldenCall): LeWmConfig {
  const { encoder, predictor, action_encoder: action, projector } = entry.config as Reference;
  return {
    encoder: {
      imageSize: encoder.image_size,
      patchSize: encoder.patch_size,
      width: encoder.hidden_size,
      depth: encoder.num_hidden_layers,
      heads: encoder.num_attention_heads,
      hidden: encoder.intermediate_size,
    },
    embedding: projector.output_dim,
    projector: projector.hidden_dim,
    predictor: {
      width: predictor.hidden_dim,
      depth: predictor.depth,
      heads: predictor.heads,
      headWidth: predictor.dim_head,
      hidden: predictor.mlp_dim,
    },
    action: {
      size: action.input_dim,
      smoothed: action.smoothed_dim,
      hidden: action.emb_dim * action.mlp_scale,
    },
    history: predictor.num_frames,
    sigregWeight: (options.sigreg_weight as number | undefined) ?? 0,
    knots: (options.knots as number | undefined) ?? 17,
  };
}

/** The reference's names for ours; queries, keys and values are a layer each there. */
const renamings: readonly (readonly [RegExp, string])[] = [
  [/^encoder\.cls_token$/, 'encoder.embeddings.cls_token'],
  [/^encoder\.pos_embed$/, 'encoder.embeddings.position_embeddings'],
  [/^encoder\.patch_embed\./, 'encoder.embeddings.patch_embeddings.projection.'],
  [/^encoder\.norm\./, 'encoder.layernorm.'],
  [/^encoder\.blocks\./, 'encoder.encoder.layer.'],
  [/(layer\.\d+)\.norm1\./, '$1.layernorm_before.'],
  [/(layer\.\d+)\.norm2\./, '$1.layernorm_after.'],
  [/(layer\.\d+)\.attn\.qkv\./, '$1.attention.attention.*.'],
  [/(layer\.\d+)\.attn\.proj\./, '$1.attention.output.dense.'],
  [/(layer\.\d+)\.mlp\.fc1\./, '$1.intermediate.dense.'],
  [/(layer\.\d+)\.mlp\.fc2\./, '$1.output.dense.'],
  [/^action_encoder\.smooth\./, 'action_encoder.patch_embed.'],
  [/^action_encoder\.hidden\./, 'action_encoder.embed.0.'],
  [/^action_encoder\.output\./, 'action_encoder.embed.2.'],
  [/^(projector|pred_proj)\.hidden\./, '$1.net.0.'],
  [/^(projector|pred_proj)\.norm\./, '$1.net.1.'],
  [/^(projector|pred_proj)\.output\./, '$1.net.3.'],
  [/^predictor\.(input_proj|cond_proj|output_proj|norm)\./, 'predictor.transformer.$1.'],
  [/^predictor\.blocks\./, 'predictor.transformer.layers.'],
  [/(layers\.\d+)\.modulation\./, '$1.adaLN_modulation.1.'],
  [/(layers\.\d+)\.attn_norm\./, '$1.attn.norm.'],
  [/(layers\.\d+)\.attn\.qkv\./, '$1.attn.to_qkv.'],
  [/(layers\.\d+)\.attn\.proj\./, '$1.attn.to_out.0.'],
  [/(layers\.\d+)\.mlp_norm\./, '$1.mlp.net.0.'],
  [/(layers\.\d+)\.mlp\.fc1\./, '$1.mlp.net.1.'],
  [/(layers\.\d+)\.mlp\.fc2\./, '$1.mlp.net.4.'],
];

/** One name, or those of queries, keys and values. */
function theirNames(own: string): string[] {
  const name = renamings.reduce((renamed, [from, to]) => renamed.replace(from, to), own);
  return name.includes('*') ? ['query', 'key', 'value'].map((part) => name.replace('*', part)) : [name];
}

async function load(model: LeWm, weights: ReadonlyMap<string, HostTensor>): Promise<void> {
  const state = new Map<string, HostTensor>();
  for (const [own, { shape, dtype }] of await model.stateDict()) {
    const parts = theirNames(own).map((name) => {
      const found = weights.get(name);
      if (!found) throw new Error(`the case has no weight '${name}' for '${own}'`);
      return found.data as Float32Array;
    });
    const all = parts.flatMap((part) => [...part]);
    state.set(own, { shape, dtype, data: dtype === 'int32' ? Int32Array.from(all) : Float32Array.from(all) });
  }
  await model.loadStateDict(state);
}

/** Queries, keys and values of a gradient have names of their own: thirds of its rows. */
function thirds(own: string, gradient: Float64Array): (readonly [string, Float64Array])[] {
  const names = theirNames(own);
  const size = gradient.length / names.length;
  return names.map((name, index) => [`grad.${name}`, gradient.subarray(index * size, (index + 1) * size)]);
}

export const runLeWm: Family = async (call) => {
  const inputs = inputsOf(call);
  const task = call.name.split('-')[0];
  if (task !== 'predict' && task !== 'loss')
    throw new Error(`'${call.name}' is not known to this library: it has predict-… and loss-…`);
  const model = new LeWm(configOf(call)).train(call.options.training === true);
  const path = (call.entry.model as string | undefined) ?? 'model.safetensors';
  await load(model, parseSafetensors(readFileSync(join(call.folder, path))).tensors);
  const cotangent = call.tensors.has('cotangent.pred');
  const parameters = model.namedParameters();

  const outputsOf = (own: Record<string, Tensor>): Record<string, Tensor> => {
    if (task === 'predict') return { pred: model.predict(own.emb, own.act_emb) };
    const { loss, predLoss, sigregLoss, z, conditions, predicted } = model.terms(
      own.pixels,
      own.action,
      own.directions,
    );
    return { loss, pred_loss: predLoss, sigreg_loss: sigregLoss, emb: z, act_emb: conditions, pred: predicted };
  };
  const run = compile((own: Record<string, Tensor>, weight: Tensor | null) => {
    const outputs = outputsOf(own);
    const scalar = weight ? sum(mul(outputs.pred, weight)) : outputs.loss;
    const found = grad(scalar, [...parameters.values(), ...Object.values(own)]);
    const kept = (entries: Iterable<[string, Tensor | Variable]>): Record<string, Tensor> =>
      Object.fromEntries(
        [...entries].flatMap(([name, of]) => (found.has(of) ? [[name, found.get(of) as Tensor]] : [])),
      );
    return { outputs, parameters: kept(parameters), inputs: kept(Object.entries(own)) };
  });
  const weight = cotangent ? given(call, 'cotangent.pred') : null;
  const result = await run(inputs, weight);

  const actual = new Map<string, Float64Array>();
  for (const [name, output] of Object.entries(result.outputs)) actual.set(`output.${name}`, await values(output));
  for (const [name, state] of await model.stateDict())
    if (name.includes('running')) actual.set(`output.${name.replace('.norm', '')}`, numbersOf(state));
  for (const [name, gradient] of Object.entries(result.parameters))
    for (const [theirs, part] of thirds(name, await values(gradient))) actual.set(theirs, part);
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
