import { describe, expect, it } from 'vitest';
import {
  box,
  checkEnvironment,
  contains,
  discrete,
  type Environment,
  physics,
  Random,
  type StepResult,
  sample,
  twoRoom,
} from '#lib/worlds/index.js';

/** A cart on a line, as a user would write it. */
class Cart implements Environment<Float32Array, number> {
  readonly name = 'cart';
  readonly observationSpace = box({
    shape: [2],
    low: [-5, -10],
    high: [5, 10],
    names: ['place', 'velocity'],
    units: ['m', 'm/s'],
  });
  readonly actionSpace = discrete(3, ['left', 'none', 'right']);
  readonly frameRate = 10;
  protected state = new Float32Array(2);

  async reset({ seed = 0 } = {}) {
    this.state = Float32Array.of(new Random(seed).uniform(-1, 1), 0);
    return { observation: this.state.slice() };
  }
  async step(action: number): Promise<StepResult<Float32Array>> {
    this.state[1] += (action - 1) * 0.1;
    this.state[0] = Math.max(-5, Math.min(5, this.state[0] + this.state[1] * 0.1));
    return {
      observation: this.state.slice(),
      reward: -Math.abs(this.state[0]),
      terminated: Math.abs(this.state[0]) > 4,
    };
  }
  render() {
    return { data: new Uint8Array(12), width: 2, height: 2, channels: 3 };
  }
  close() {}
}

describe('checkEnvironment', () => {
  it('accepts the suite’s worlds and a user’s own', async () => {
    await checkEnvironment(new Cart());
    await checkEnvironment(new twoRoom.TwoRoom(), { seed: 4 });
    await checkEnvironment(await physics.PhysicsEnvironment.create(), { steps: 8 });
  });

  const broken: [string, Environment, RegExp][] = [
    [
      'shares its memory',
      new (class extends Cart {
        override async step(action: number) {
          await super.step(action);
          return { observation: this.state, terminated: false };
        }
      })(),
      /stay as it was/,
    ],
    [
      'forgets its seed',
      new (class extends Cart {
        #n = 0;
        override reset() {
          return super.reset({ seed: this.#n++ });
        }
      })(),
      /same seed and actions/,
    ],
    [
      'leaves its space',
      new (class extends Cart {
        override async step() {
          return { observation: Float32Array.of(0, 11), terminated: false };
        }
      })(),
      /velocity between -10 and 10, got 11/,
    ],
    [
      'says nothing of its end',
      new (class extends Cart {
        override async step(action: number) {
          return { ...(await super.step(action)), terminated: undefined as unknown as boolean };
        }
      })(),
      /terminated of step\(\)/,
    ],
    [
      'draws too little',
      new (class extends Cart {
        override render() {
          return { data: new Uint8Array(5), width: 2, height: 2, channels: 3 };
        }
      })(),
      /2 × 2 × 3 bytes, got 5/,
    ],
    [
      'has no rate and no actions',
      Object.assign(new Cart(), { frameRate: 0, actionSpace: { type: 'discrete', size: 0 } }) as unknown as Environment,
      /frameRate[\s\S]*actionSpace/,
    ],
  ];
  it.each(broken)('finds one that %s', async (_, environment, message) => {
    await expect(checkEnvironment(environment)).rejects.toMatchObject({
      code: 'ERR_JEPA_INVALID_ARGUMENT',
      message: expect.stringMatching(message),
    });
  });
});

describe('spaces', () => {
  it('contain what they sample', () => {
    const random = new Random(1);
    for (const space of [
      box({ shape: [3, 2], low: [-1, 0], high: [1, 5] }),
      box({ shape: [4], dtype: 'uint8', low: 0, high: 255 }),
      discrete(4),
    ]) {
      for (let i = 0; i < 50; i++) expect(contains(space, sample(space, random))).toBe(true);
    }
    expect(contains(box({ shape: [2], low: 0, high: 1 }), Float32Array.of(0, Number.NaN))).toBe(false);
    expect(contains(discrete(2), 2)).toBe(false);
  });

  it('refuse what does not fit', () => {
    expect(() => box({ shape: [2], low: 1, high: 0 })).toThrow(/low ≤ high/);
    expect(() => box({ shape: [2], low: 0, high: 1, names: ['x'] })).toThrow(/names to have 2 entries/);
    expect(() => box({ shape: [0], low: 0, high: 1 })).toThrow(/positive integers/);
    expect(() => box({ shape: [2], low: 0, hihg: 1 } as never)).toThrow(/did you mean 'high'/);
    expect(() => discrete(0)).toThrow(/positive integer/);
  });
});

describe('the worlds’ own errors', () => {
  it('say what was expected', async () => {
    const world = await physics.PhysicsEnvironment.create();
    expect(() => world.step(Float32Array.of(0, 0))).toThrow(/expected reset\(\)/);
    expect(() => world.reset({ options: { kind: 'fly' } })).toThrow(/kind to be one of fall,/);
    expect(() => world.reset({ options: { knid: 'fall' } })).toThrow(/did you mean 'kind'/);
    world.reset({ seed: 1 });
    expect(() => world.step(Float32Array.of(9, 0))).toThrow(/force x between -1.2/);
    world.close();
    const room = new twoRoom.TwoRoom();
    expect(() => room.render()).toThrow(/expected reset\(\)/);
    expect(() => room.reset({ options: { start: [1] } })).toThrow(/start to be \[x, y\]/);
    expect(() => new twoRoom.TwoRoom({ imageSize: 1 })).toThrow(/imageSize/);
  });
});
