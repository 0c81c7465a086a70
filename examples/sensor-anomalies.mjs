// Sensor anomalies: a model learns how a pump's readings answer to its throttle, and says when they no longer do.
// Most faults leave every reading within its usual limits; what is wrong is how they go together over time.
//   node examples/sensor-anomalies.mjs [--quick]
import { fromIndex, Random, WorldModel } from 'jepa';

const quick = process.argv.includes('--quick');
const frames = 16; // of .5 s

/** One clip: speed, flow and pressure follow the throttle, temperature follows the load; from frame 8 on something may be wrong. */
function record(random, fault) {
  let [speed, heat, throttle] = [random.uniform(0.3, 0.9), random.uniform(0.3, 0.6), random.uniform(0.2, 1)];
  let flow = speed;
  const [readings, throttles] = [[], []];
  for (let t = 0; t < frames; t++) {
    if (random.chance(0.25)) throttle = random.uniform(0.2, 1);
    const wrong = t >= 8 ? fault : undefined;
    speed += 0.35 * (throttle - speed);
    flow += 0.5 * ((wrong === 'blocked filter' ? 0.45 : 1) * speed - flow);
    heat += 0.1 * (speed * speed - heat) + (wrong === 'worn bearing' ? 0.06 : 0);
    const pressure = speed * speed - 0.4 * flow + (wrong === 'leak' ? -0.15 : 0);
    const now = [speed, flow, pressure, heat].map((value) => value + 0.01 * random.normal());
    readings.push(wrong === 'stuck flow sensor' && t > 8 ? [now[0], readings[t - 1][1], now[2], now[3]] : now);
    throttles.push(throttle);
  }
  return { readings: readings.flat(), throttles };
}

/** Clips that depend on the stream's name alone. */
function clipsOf(stream, clips, fault) {
  const all = Array.from({ length: clips }, (_, i) => record(new Random(0, `${stream} ${i}`), fault));
  const observations = Float32Array.from(all.flatMap(({ readings }) => readings));
  return { clips, frames, observations, actions: Float32Array.from(all.flatMap(({ throttles }) => throttles)) };
}

const world = await WorldModel.fit(
  fromIndex((index) => clipsOf(`batch ${index}`, 32)),
  {
    observation: { kind: 'vector', size: 4, mean: [0.6, 0.6, 0.15, 0.4], std: [0.2, 0.2, 0.2, 0.2] },
    action: { size: 1, names: ['throttle'], mean: [0.6], std: [0.23] },
    frameRate: 2,
    steps: quick ? 30 : 400,
  },
);

const scores = {
  model: async (clips) => [...(await world.surprise(...world.tensors(clips))).normalised],
  // What is usually done: the reading that is furthest from its mean, in standard deviations.
  limits: async ({ clips, observations }) => {
    const { mean, std, size } = world.config.observation;
    const far = Array.from(observations, (value, i) => Math.abs(value - mean[i % size]) / std[i % size]);
    return Array.from({ length: clips }, (_, i) => Math.max(...far.slice(i * frames * size, (i + 1) * frames * size)));
  },
};
const table = {};
const calibration = clipsOf('calibration', quick ? 100 : 1000);
for (const [name, score] of Object.entries(scores)) {
  const usual = (await score(calibration)).sort((a, b) => a - b);
  const threshold = usual[Math.ceil(usual.length * 0.99) - 1]; // one false alarm in a hundred clips
  for (const fault of [undefined, 'leak', 'blocked filter', 'worn bearing', 'stuck flow sensor']) {
    const alarms = (await score(clipsOf('new', 100, fault))).filter((value) => value > threshold).length;
    table[fault ?? 'nothing wrong'] = { ...table[fault ?? 'nothing wrong'], [name]: alarms };
  }
}
console.log('clips with an alarm, of 100 new ones each:\n');
for (const [fault, { model, limits }] of Object.entries(table))
  console.log(
    `${fault.padEnd(18)}${'█'.repeat(model / 4).padEnd(26)}${model} by the model, ${limits} by limits of each sensor`,
  );
