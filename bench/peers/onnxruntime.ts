// onnxruntime-node in the vit-infer suite: onnxruntime.js PEERS MODEL INPUTS THREADS.
import { readFileSync } from 'node:fs';
import { type HostTensor, parseSafetensors } from '#lib/io/safetensors.js';
import { loadPeer } from '../harness/node-peers.js';
import { serve, turn } from '../harness/serve.js';
import { type InferCheck, sampled, turnMs } from '../suites/vit-infer.js';

interface Runtime {
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: readonly number[]) => object;
  readonly InferenceSession: {
    create(
      path: string,
      options: object,
    ): Promise<{ run(feeds: object): Promise<Record<string, { data: Float32Array }>> }>;
  };
}

const [peers, model, inputs, threads] = process.argv.slice(2);
const { Tensor, InferenceSession } = loadPeer<Runtime>(peers, 'onnxruntime-node');
const { shape, data } = parseSafetensors(readFileSync(inputs)).tensors.get('pixels') as HostTensor;
const pixels = new Tensor('float32', data as Float32Array, shape);
const session = await InferenceSession.create(model, {
  intraOpNumThreads: Number(threads),
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
});
const forward = async (): Promise<Float32Array> => (await session.run({ pixels })).tokens.data;

await serve({
  check: async (): Promise<InferCheck> => ({ tokens: sampled(await forward()) }),
  time: () => turn(turnMs, forward),
});
