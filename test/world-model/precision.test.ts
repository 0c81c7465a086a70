// A model asked in less precision stays near what it says in float32; a training in bfloat16 learns the same, and says what it is.
import { expect, it } from 'vitest';
import { tensor } from '#lib/tensor/index.js';
import { WorldModelTraining } from '#lib/world-model/training.js';
import { WorldModel } from '#lib/world-model/world-model.js';

const [clips, frames] = [4, 8];
const batch = {
  clips,
  frames,
  observations: Float32Array.from({ length: clips * frames * 3 }, (_, i) => Math.sin(i)),
  actions: Float32Array.from({ length: clips * frames }, (_, i) => Math.cos(i)),
};
const { config } = WorldModel.create('tiny', {
  observation: { kind: 'vector', size: 3 },
  action: { size: 1 },
  frameRate: 10,
});
const inputs = [
  tensor(batch.observations, { shape: [clips, frames, 3] }),
  tensor(batch.actions, { shape: [clips, frames, 1] }),
] as const;

async function imagined(model: WorldModel): Promise<Float32Array> {
  const { embeddings } = await model.imagine(await model.encode(inputs[0]), inputs[1], { context: 4 });
  return (await embeddings.data()) as Float32Array;
}

it.each([{ precision: 'bfloat16' }, { quantize: 'int8' }] as const)('asked with %j', async (options) => {
  const exact = await imagined(new WorldModel(config));
  const near = await imagined(new WorldModel(config, options));
  const size = Math.hypot(...exact);
  const difference = Math.hypot(...near.map((value, i) => value - exact[i]));
  expect(difference).toBeGreaterThan(0);
  expect(difference / size).toBeLessThan(0.05);
});

it('trained in bfloat16', async () => {
  const losses = async (precision?: 'bfloat16') => {
    const training = new WorldModelTraining(new WorldModel(config), { precision });
    const found: number[] = [];
    for (let step = 0; step < 6; step++) found.push((await training.step(batch, step, { steps: 100 })).loss);
    return found;
  };
  const [exact, near] = [await losses(), await losses('bfloat16')];
  expect(near).not.toEqual(exact);
  for (const [step, loss] of near.entries()) expect(Math.abs(loss / exact[step] - 1)).toBeLessThan(0.02);
});

it('a training says its precision where it is not float32, so that no other resumes it', () => {
  const described = (precision?: 'float32' | 'bfloat16') =>
    new WorldModelTraining(new WorldModel(config), { precision }).description.training;
  expect(described('bfloat16')).toMatchObject({ precision: 'bfloat16' });
  expect(described('float32')).toEqual(described());
});

it('refuses what it does not know', () => {
  const make = (options: object) => () => new WorldModel(config, options);
  expect(make({ quantize: 'int4' })).toThrow("expected quantize to be 'int8' or 'none', got 'int4'");
  expect(make({ precisions: 'bfloat16' })).toThrow(expect.objectContaining({ code: 'ERR_JEPA_UNKNOWN_OPTION' }));
});
