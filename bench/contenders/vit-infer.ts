// jepa's side of the vit-infer suite: a compiled forward pass, timed from JavaScript, the copy of the result included.
import { readSafetensors, type Tensor } from '#lib/index.js';
import type { Unavailable } from '../harness/match.js';
import { compileIn, unavailable } from '../harness/precision.js';
import { serve, turn } from '../harness/serve.js';
import type { Precision } from '../harness/suite.js';
import { given, part, type VisionConfig, visionTransformer } from '../models/vision.js';
import { type InferCheck, sampled, turnMs } from '../suites/vit-infer.js';

const [path, config, precision] = process.argv.slice(2);
const { tensors } = await readSafetensors(path);
const model = visionTransformer(JSON.parse(config) as VisionConfig).eval();
await model.loadStateDict(part(tensors, 'model.'));
const pixels = given(tensors, 'pixels');
let forward: (() => Promise<Float32Array>) | undefined;

await serve({
  check: async (): Promise<InferCheck | Unavailable> => {
    try {
      const compiled = compileIn(precision as Precision, 'vit', (x: Tensor) => model.forward(x));
      forward = async () => (await (await compiled(pixels)).data()) as Float32Array;
      return { tokens: sampled(await forward()) };
    } catch (error) {
      return unavailable(error);
    }
  },
  time: () => turn(turnMs, forward as () => Promise<Float32Array>),
});
