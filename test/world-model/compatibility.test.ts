// Files of released versions load, and give what they gave there (0.1.0.json holds what that version printed).
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { tensor, WorldModel } from '#lib/index.js';
import { close } from '../nn/check-layer.js';

const file = (name: string): string => fileURLToPath(new URL(`./data/${name}`, import.meta.url));

it.each(['0.1.0'])('a model of version %s', async (version) => {
  const model = await WorldModel.load(file(`${version}.jepa`));
  expect(model.config.predictor).toEqual({ kind: 'recurrent', stateSize: 10, hidden: 12 });
  const numbers = (count: number, period: number): Float32Array =>
    Float32Array.from({ length: count }, (_, i) => (i % period) / (period - 1) - 0.5);
  const observations = tensor(numbers(18, 5), { shape: [1, 6, 3] });
  const actions = tensor(numbers(12, 3), { shape: [1, 6, 2] });
  const expected = JSON.parse(readFileSync(file(`${version}.json`), 'utf8')) as { rollout: number[] };
  const { embeddings } = await model.rollout(observations, actions);
  close('rollout', await embeddings.data(), expected.rollout, 1e-5);
});
