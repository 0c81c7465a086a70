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

function clipsOf(stream, clips, fault) {
  const all = Array.from({ length: clips }, (_, i) => record(new Random(0, `${stream} ${i}`), fault));
  const observations = Float32Array.from(all.flatMap(({ readings }) => readings));
  return { clips, frames, observations, actions: Float32Array.from(all.flatMap(({ throttles }) => throttles)) };
}
const streams = (name, clips) => fromIndex((index) => clipsOf(`${name} ${index}`, clips));

const world = await WorldModel.fit(streams('batch', 32), {
  observation: { kind: 'vector', size: 4, mean: [0.6, 0.6, 0.15, 0.4], std: [0.2, 0.2, 0.2, 0.2] },
  action: { size: 1, names: ['throttle'], mean: [0.6], std: [0.23] },
  frameRate: 2,
  steps: quick ? 30 : 400,
});
const calibration = await world.calibrate(streams('calibration', 100), { frames: 32_000 });

/** What is usually done: no sensor beyond what it has ever shown. */
const [low, high] = [Math.min, Math.max].map((extreme) => {
  const { observations } = clipsOf('calibration', 1000);
  return [0, 1, 2, 3].map((sensor) => observations.filter((_, i) => i % 4 === sensor).reduce((a, b) => extreme(a, b)));
});
const beyond = (reading, i) => reading < low[i % 4] || reading > high[i % 4];

console.log('clips with an alarm, of 100 new ones each:\n');
for (const fault of ['nothing wrong', 'leak', 'blocked filter', 'worn bearing', 'stuck flow sensor']) {
  const clips = clipsOf('new', 100, fault);
  const judged = await world.judge(clips, calibration, { falseAlarmRate: 1e-3 }); // of the frames of a pump in order
  const found = judged.filter((clip) => clip.some(({ verdict }) => verdict === 'surprising' || verdict === 'unknown'));
  const outside = new Set();
  for (const [i, reading] of clips.observations.entries())
    if (beyond(reading, i)) outside.add(Math.floor(i / (4 * frames)));
  const bar = `${fault.padEnd(18)}${'█'.repeat(found.length / 4).padEnd(26)}`;
  console.log(`${bar}${found.length} by the model, ${outside.size} by limits of each sensor`);
}
