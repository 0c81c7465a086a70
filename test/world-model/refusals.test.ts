import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeSafetensors } from '#lib/io/safetensors.js';
import { tensor } from '#lib/tensor/index.js';
import { WorldModel, type WorldModelConfig } from '#lib/world-model/index.js';
import { temporaryFolder } from '../io/temporary-folder.js';
import { clipsFor, multimodalConfig, pictureConfig, refusal, sensorConfig, transformerConfig } from './small.js';

describe('a configuration', () => {
  const withField = (path: string, value: unknown): WorldModelConfig => {
    const base = path.startsWith('encoder.layers') ? pictureConfig : sensorConfig;
    const copy = structuredClone(base) as unknown as Record<string, unknown>;
    const keys = path.split('.');
    const owner = keys.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, copy);
    owner[keys.at(-1) as string] = value;
    return copy as unknown as WorldModelConfig;
  };

  it.each([
    ['embeddingSize', 0, 'a positive integer, got 0'],
    ['embeddingSize', 2.5, 'a positive integer, got 2.5'],
    ['contextFrames', '4', 'a positive integer, got "4"'],
    ['frameRate', -1, 'a positive number of frames per second, got -1'],
    ['seed', 0.5, 'an integer, got 0.5'],
    ['observation', undefined, "'image', 'vector' or 'multimodal', got undefined"],
    ['observation.kind', 'audio', "'image', 'vector' or 'multimodal', got \"audio\""],
    ['observation.size', -3, 'a positive integer, got -3'],
    ['observation.std', [1, 0, 1], 'positive numbers, got [1,0,1]'],
    ['observation.mean', undefined, 'given together, got [1,2,0.5]'],
    ['encoder.kind', 'convolution', 'one that takes vector observations, got "convolution"'],
    ['encoder.affine', 1, 'true or false, got 1'],
    ['encoder.layers', [], 'at least one convolution, got []'],
    ['encoder.layers.0.stride', 0, 'a positive integer, got 0'],
    ['encoder.layers.1.kernel', 99, 'a convolution that leaves something of 4 × 4 pixels'],
    ['predictor.kind', 'attention', "'recurrent', 'transformer' or 'markov', got \"attention\""],
    ['predictor.stateSize', null, 'a positive integer, got null'],
    ['heads', undefined, 'a whole number, 0 or more, got undefined'],
    ['heads.critic', -1, 'a whole number, 0 or more, got -1'],
    ['action.mean', [0], '2 finite numbers, got [0]'],
    ['action.std', [1, 0], 'positive numbers, got [1,0]'],
    ['action.names', ['push'], '2 words, one for each number, got ["push"]'],
    ['observation.units', 'm', '3 words, one for each number, got "m"'],
  ])('with %s %j is refused by name', (field, value, message) => {
    const named = field.replace(/\.(\d)/g, '[$1]');
    const error = refusal('ERR_JEPA_CONFIG', /^\[worldModel\] expected /);
    expect(() => new WorldModel(withField(field, value))).toThrow(error);
    expect(() => new WorldModel(withField(field, value))).toThrow(message);
    if (value !== undefined && field !== 'encoder.layers.1.kernel')
      expect(() => new WorldModel(withField(field, value))).toThrow(`expected ${named} to be`);
  });

  it.each([
    ['encoder', 'patchSize', 5, "a divisor of the picture's 8 × 12 pixels, got 5"],
    ['encoder', 'patchSize', 0, 'a positive integer, got 0'],
    ['encoder', 'heads', 3, 'a divisor of its width 8, got 3'],
    ['encoder', 'pixelScale', Number.NaN, 'a finite number, got null'],
    ['predictor', 'historySize', 0, 'a positive integer, got 0'],
    ['predictor', 'headWidth', undefined, 'a positive integer, got undefined'],
  ] as const)('of transformers with %s.%s %j is refused by name', (part, field, value, message) => {
    const config = { ...transformerConfig, [part]: { ...transformerConfig[part], [field]: value } };
    expect(() => new WorldModel(config)).toThrow(
      refusal('ERR_JEPA_CONFIG', new RegExp(`expected ${part}.${field} to be `)),
    );
    expect(() => new WorldModel(config)).toThrow(message);
  });

  it('that no machine holds is refused before anything is allocated', () => {
    const error = refusal(
      'ERR_JEPA_OUT_OF_MEMORY',
      /expected weights that fit into the [\d.]+ GiB of memory here, got [\d.e+]+ GiB\n.*lower embeddingSize/,
    );
    for (const field of ['embeddingSize', 'encoder.hidden', 'predictor.stateSize'])
      expect(() => new WorldModel(withField(field, 2 ** 40))).toThrow(error);
    const { encoder, predictor } = transformerConfig;
    for (const large of [{ encoder: { ...encoder, depth: 2 ** 40 } }, { predictor: { ...predictor, width: 2 ** 40 } }])
      expect(() => new WorldModel({ ...transformerConfig, ...large } as WorldModelConfig)).toThrow(error);
  });

  it('with a misspelt key of what is seen or done names the keys that there are', () => {
    const { observation } = multimodalConfig as { observation: { modalities: Record<string, object> } };
    const { front, joints } = observation.modalities;
    const cases: [object, RegExp][] = [
      [
        { action: { ...sensorConfig.action, unit: ['N', 'N'] } },
        /^\[worldModel action\] .* among size, names, units, mean, std, got 'unit'\n.*'units'/,
      ],
      [
        { observation: { ...sensorConfig.observation, nmes: [] } },
        /^\[worldModel observation\] .* among kind, size, names, units, mean, std, got 'nmes'\n.*'names'/,
      ],
    ];
    for (const [part, message] of cases)
      expect(() => new WorldModel({ ...sensorConfig, ...part } as WorldModelConfig)).toThrow(
        refusal('ERR_JEPA_UNKNOWN_OPTION', message),
      );
    const modalities: [object, RegExp][] = [
      [
        { modalities: { ...observation.modalities, front: { ...front, heigth: 16 } } },
        /^\[worldModel observation\.modalities\.front\] .* among kind, height, width, channels, got 'heigth'/,
      ],
      [
        { modalities: { ...observation.modalities, joints: { ...joints, unit: [] } } },
        /^\[worldModel observation\.modalities\.joints\] .*got 'unit'/,
      ],
      [{ modality: {} }, /^\[worldModel observation\] .* among kind, modalities, got 'modality'/],
    ];
    for (const [part, message] of modalities)
      expect(
        () => new WorldModel({ ...multimodalConfig, observation: { ...observation, ...part } } as WorldModelConfig),
      ).toThrow(refusal('ERR_JEPA_UNKNOWN_OPTION', message));
  });
});

describe('a method', () => {
  const model = new WorldModel(sensorConfig);
  const [observations, actions] = model.tensors(clipsFor(sensorConfig, 2, 8));
  const zeros = (...shape: number[]) => tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), { shape });

  it.each([
    [
      'observations of another size',
      () => model.encode(zeros(2, 8, 4)),
      'ERR_JEPA_SHAPE',
      /expected observations float32 \[clips, frames, 3\], got float32 \[2, 8, 4\]/,
    ],
    [
      'pixels for sensors',
      () => model.encode(tensor(new Uint8Array(48), { shape: [2, 8, 3] })),
      'ERR_JEPA_SHAPE',
      /got uint8 \[2, 8, 3\]/,
    ],
    ['one frame without its clip', () => model.encode(zeros(8, 3)), 'ERR_JEPA_SHAPE', /got float32 \[8, 3\]/],
    [
      'actions of another width',
      () => model.rollout(observations, zeros(2, 8, 3)),
      'ERR_JEPA_SHAPE',
      /expected actions float32 \[2, frames, 2\], got float32 \[2, 8, 3\]/,
    ],
    [
      'actions of other clips',
      () => model.rollout(observations, zeros(3, 8, 2)),
      'ERR_JEPA_SHAPE',
      /got float32 \[3, 8, 2\]/,
    ],
    [
      'integer actions',
      () => model.rollout(observations, tensor(new Int32Array(32), { shape: [2, 8, 2], dtype: 'int32' })),
      'ERR_JEPA_SHAPE',
      /got int32 \[2, 8, 2\]/,
    ],
    [
      'nothing to predict',
      () => model.rollout(observations, zeros(2, 3, 2)),
      'ERR_JEPA_SHAPE',
      /expected 3 frames of context and more actions than that, got 8 frames and 3 actions/,
    ],
    [
      'a context of no frames',
      () => model.rollout(observations, actions, { context: 0 }),
      'ERR_JEPA_INVALID_ARGUMENT',
      /expected a context of 1 or more frames, got 0/,
    ],
    [
      'contexts the wrong way round',
      () => model.surprise(observations, actions, { contexts: [5, 4] }),
      'ERR_JEPA_INVALID_ARGUMENT',
      /expected a context of 1 or more frames, got 5 to 4/,
    ],
    [
      'clips too short for the contexts',
      () => model.surprise(observations, actions, { contexts: [3, 8] }),
      'ERR_JEPA_SHAPE',
      /expected clips of at least 9 frames/,
    ],
    [
      'fewer actions than frames',
      () => model.surprise(observations, zeros(2, 7, 2)),
      'ERR_JEPA_SHAPE',
      /expected actions float32 \[2, 8, 2\], got float32 \[2, 7, 2\]/,
    ],
    [
      'a misspelled option',
      () => model.surprise(observations, actions, { context: [3, 4] } as never),
      'ERR_JEPA_UNKNOWN_OPTION',
      /did you mean 'contexts'/,
    ],
    [
      'an unknown judge',
      () => model.rank(zeros(3, 3), zeros(4, 8, 2), { goal: zeros(1, 3), by: 'distance' as never }),
      'ERR_JEPA_INVALID_ARGUMENT',
      /expected by to be 'latent', 'path' or 'critic', got 'distance'/,
    ],
    [
      'a goal of two frames',
      () => model.rank(zeros(3, 3), zeros(4, 8, 2), { goal: zeros(2, 3) }),
      'ERR_JEPA_SHAPE',
      /expected the embedding \[6\] of one goal, got 12 values/,
    ],
    [
      'a critic it lacks',
      () =>
        new WorldModel({ ...sensorConfig, heads: { ...sensorConfig.heads, critic: 0 } }).rank(
          zeros(3, 3),
          zeros(4, 8, 2),
          { goal: zeros(1, 3), by: 'critic' },
        ),
      'ERR_JEPA_CONFIG',
      /expected a model with a critic, got one with heads.critic 0/,
    ],
  ] as const)('refuses %s', async (_, call, code, message) => {
    await expect(call()).rejects.toThrow(refusal(code, message));
  });

  const takesTensors: Readonly<Record<string, (given: never) => Promise<unknown>>> = {
    'encode observations': (given) => model.encode(given),
    'rollout observations': (given) => model.rollout(given, actions),
    'rollout actions': (given) => model.rollout(observations, given),
    'surprise observations': (given) => model.surprise(given, actions),
    'surprise actions': (given) => model.surprise(observations, given),
    'surpriseOf embeddings': (given) => model.surpriseOf(given, actions),
    'states embeddings': (given) => model.states(given, actions),
    'imagine embeddings': (given) => model.imagine(given, actions),
    'imagine actions': (given) => model.imagine(zeros(2, 8, 6), given),
    'rank observations': (given) => model.rank(given, zeros(4, 8, 2), { goal: zeros(1, 3) }),
    'rank candidates': (given) => model.rank(zeros(3, 3), given, { goal: zeros(1, 3) }),
    'rank goal observations': (given) => model.rank(zeros(3, 3), zeros(4, 8, 2), { goal: given }),
    'planCosts embeddings': (given) => model.planCosts(given, zeros(4, 8, 2), new Float32Array(6)),
    'counterfactual observations': (given) => model.counterfactual(given, zeros(8, 2), zeros(8, 2)),
    'counterfactual actions': (given) => model.counterfactual(zeros(3, 3), given, zeros(8, 2)),
    'counterfactual actions instead': (given) => model.counterfactual(zeros(3, 3), zeros(8, 2), given),
  };
  it.each(Object.entries(takesTensors))('refuses what is no tensor: %s', async (name, call) => {
    const what = /observations|embeddings|candidates|actions/.exec(name)?.[0];
    for (const [given, told] of [
      [undefined, 'nothing'],
      [[1, 2, 3], 'an array'],
      [Float32Array.of(1), 'a Float32Array'],
    ] as const)
      await expect(call(given as never), told).rejects.toThrow(
        refusal('ERR_JEPA_SHAPE', new RegExp(`^\\[worldModel\\] expected ${what}.*, got ${told}$`)),
      );
  });

  it('refuses clips and calibrations that are none', async () => {
    for (const [given, told] of [
      [undefined, 'nothing'],
      [{}, 'an object without clips, frames, observations, actions'],
      [{ ...clipsFor(sensorConfig, 2, 8), actions: undefined }, 'an object without actions'],
    ] as const) {
      const parts = `expected an object with clips, frames, observations, actions, got ${told}`;
      const held = 'observations float32 \\[clips, frames, 3\\], actions float32 \\[clips, frames, 2\\]';
      const refused = (where: string) =>
        refusal('ERR_JEPA_INVALID_ARGUMENT', new RegExp(`^\\[worldModel ${where}\\] ${parts}\n {2}→ .*${held}`));
      expect(() => model.tensors(given as never)).toThrow(refused('tensors'));
      await expect(model.judge(given as never, undefined as never)).rejects.toThrow(refused('judge'));
    }
    await expect(model.judge(clipsFor(sensorConfig, 2, 8), undefined as never)).rejects.toThrow(
      refusal('ERR_JEPA_INVALID_ARGUMENT', /^\[worldModel judge\] expected a calibration, got nothing\n/),
    );
    await expect(model.session({ calibration: {} as never })).rejects.toThrow(
      refusal('ERR_JEPA_INVALID_ARGUMENT', /^\[worldModel session\] expected a calibration, got an object\n/),
    );
    using several = new WorldModel(multimodalConfig);
    expect(() => several.tensors({} as never)).toThrow(
      /observations 'front' uint8 \[clips, frames, 16, 16, 3\], 'wrist'/,
    );
  });

  it('refuses NaN and infinite readings, saying where', async () => {
    for (const [value, text] of [
      [Number.NaN, 'NaN'],
      [Number.POSITIVE_INFINITY, 'Infinity'],
    ] as const) {
      const bad = new Float32Array(48);
      bad[(1 * 8 + 5) * 3 + 2] = value;
      const frames = tensor(bad, { shape: [2, 8, 3] });
      const message = new RegExp(`expected finite inputs, got ${text} at \\[1, 5, 2\\] of \\[2, 8, 3\\]`);
      await expect(model.encode(frames)).rejects.toThrow(refusal('ERR_JEPA_NON_FINITE', message));
      await expect(model.surprise(frames, actions)).rejects.toThrow(refusal('ERR_JEPA_NON_FINITE', message));
    }
    const push = tensor(new Float32Array(32).fill(Number.NaN), { shape: [2, 8, 2] });
    await expect(model.rollout(observations, push)).rejects.toThrow(
      refusal('ERR_JEPA_NON_FINITE', /got NaN at \[0, 0, 0\]/),
    );
  });

  it('stops at its signal', async () => {
    const stopped = { name: 'AbortError', code: 'ERR_JEPA_ABORTED' };
    await expect(model.encode(observations, { signal: AbortSignal.abort() })).rejects.toMatchObject(stopped);
    await expect(model.surprise(observations, actions, { signal: AbortSignal.abort() })).rejects.toMatchObject(stopped);
  });
});

describe('a file', () => {
  async function saved(): Promise<{ folder: string; path: string }> {
    const folder = temporaryFolder();
    const path = join(folder, 'model.jepa');
    using model = new WorldModel(sensorConfig);
    await model.save(path);
    return { folder, path };
  }

  it('that is damaged, truncated or none is refused', async () => {
    const { folder, path } = await saved();
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 5));
    await expect(WorldModel.load(path)).rejects.toThrow(
      refusal('ERR_JEPA_CHECKPOINT_FORMAT', /expected \d+ bytes of data, got \d+/),
    );
    const damaged = Buffer.from(bytes);
    damaged[bytes.length - 30] ^= 4;
    writeFileSync(path, damaged);
    await expect(WorldModel.load(path)).rejects.toThrow(
      refusal('ERR_JEPA_CHECKPOINT_FORMAT', /SHA-256 .*\n.*the file is damaged/),
    );
    writeFileSync(path, '');
    await expect(WorldModel.load(path)).rejects.toThrow(
      refusal('ERR_JEPA_CHECKPOINT_FORMAT', /expected at least 8 bytes, got 0/),
    );
    await expect(WorldModel.load(join(folder, 'none'))).rejects.toThrow(
      refusal('ERR_JEPA_IO', /cannot read .*none: ENOENT/),
    );
    await expect(WorldModel.load(folder)).rejects.toThrow(refusal('ERR_JEPA_IO', /EISDIR\n.*name a file in it/));
  });

  it('of another kind, version or shape is told apart', async () => {
    const { path } = await saved();
    const tensors = new Map([['x', { dtype: 'float32', shape: [1], data: Float32Array.of(1) }]] as const);
    const metadata = { format: 'jepa-world-model', version: '1', config: JSON.stringify(sensorConfig) };
    for (const [found, code, message] of [
      [{}, 'ERR_JEPA_CHECKPOINT_FORMAT', /to be a world model .* got format 'none'/],
      [
        { format: 'jepa-checkpoint' },
        'ERR_JEPA_CHECKPOINT_FORMAT',
        /got format 'jepa-checkpoint'\n.*resume it with `jepa train --resume`/,
      ],
      [
        { ...metadata, version: '7' },
        'ERR_JEPA_CHECKPOINT_VERSION',
        /expected version 1, got 7 .*\n.*the version of jepa that wrote it/,
      ],
      [metadata, 'ERR_JEPA_CHECKPOINT_FORMAT', /expected contents with SHA-256/],
    ] as const) {
      await writeSafetensors(path, tensors, found);
      await expect(WorldModel.load(path)).rejects.toThrow(refusal(code, message));
    }
    const { writeWorldModel } = await import('#lib/world-model/file.js');
    await writeWorldModel(path, sensorConfig, tensors);
    await expect(WorldModel.load(path)).rejects.toThrow(refusal('ERR_JEPA_CHECKPOINT_MISMATCH', /missing: encoder/));
    await writeWorldModel(path, { ...sensorConfig, heads: undefined } as never, tensors);
    await expect(WorldModel.load(path)).rejects.toThrow(refusal('ERR_JEPA_CONFIG', /expected heads\.variance to be/));
  });

  it('is not written where it cannot be, and what was there stays', async () => {
    const { folder, path } = await saved();
    const model = new WorldModel(sensorConfig);
    mkdirSync(join(folder, 'taken'));
    await expect(model.save(join(folder, 'taken'))).rejects.toThrow(refusal('ERR_JEPA_IO', /EISDIR/));
    await expect(model.save(join(folder, 'none', 'x.jepa'))).rejects.toThrow(
      refusal('ERR_JEPA_IO', /create the directory first/),
    );
    await expect(model.save(join(path, 'x.jepa'))).rejects.toThrow(
      refusal('ERR_JEPA_IO', /a part of the path is a file/),
    );
    expect((await WorldModel.load(path)).config).toEqual(sensorConfig);
  });
});
