// The training step of a ViT-Tiny with a plain loss: small enough for libraries that compute in WebAssembly.
import type { Candidate } from '../harness/match.js';
import { nodePeer, nodePeerPath } from '../harness/node-peers.js';
import type { Run } from '../harness/suite.js';
import { trainingSuite } from '../harness/training.js';
import { vitTiny64 } from '../models/vision.js';
import { type VitTrainConfig, vitTrainFlops, vitTrainInputs } from '../models/vit-train.js';

const config: VitTrainConfig = { encoder: vitTiny64, batch: 8 };

/**
 * Libraries that train in JavaScript. tfjs has one thread in Node.js whatever it is given; its products are fast without transposed operands
 * only, so it takes part with its own gradients and with such as transpose first.
 */
function javaScript(run: Run, path: string, given: object, threads: number): Candidate[] {
  const packages = [
    {
      script: 'tfjs',
      module: '@tensorflow/tfjs-backend-wasm',
      name: 'tfjs-wasm',
      settings: { plain: '', tuned: ' tuned' },
    },
    { script: 'jax-js', module: '@jax-js/jax', name: 'jax-js wasm', settings: { [threads]: '' } },
  ];
  return packages.flatMap(({ script, module, name, settings }): Candidate[] => {
    const peer = nodePeer(module);
    if ('missing' in peer) {
      run.note(`vit-train without ${name}: ${peer.missing}`);
      return [];
    }
    return Object.entries(settings).map(([setting, suffix]) => ({
      name: `${name} ${peer.version}${suffix}`,
      precision: 'float32',
      command: process.execPath,
      arguments: [nodePeerPath(script), peer.folder, path, JSON.stringify(given), setting],
    }));
  });
}

export const vitTrain = trainingSuite(
  'vit-train',
  'training step of a ViT-Tiny/8, beside libraries in JavaScript too',
  [
    {
      name: `ViT-Tiny/8 64² B=${config.batch}`,
      config,
      inputs: () => vitTrainInputs(config),
      flops: vitTrainFlops(config),
      count: config.batch,
    },
  ],
  javaScript,
);
