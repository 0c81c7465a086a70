// A world of your own: a hovercraft on a pond, driven by two propellers. The model learns from random driving how it moves,
// then plans: it imagines what actions would do, and drives to a buoy it has never been told how to reach.
//   node examples/own-environment.mjs [--quick]
import { box, checkEnvironment, Planner, Random, tensor, WorldModel } from 'jepa';

class Pond {
  name = 'pond';
  frameRate = 5;
  observationSpace = box({ shape: [4], low: -4, high: 4, names: ['x', 'y', 'velocity x', 'velocity y'] });
  actionSpace = box({ shape: [2], low: -1, high: 1, names: ['thrust x', 'thrust y'], units: ['N', 'N'] });

  reset({ seed = 0 } = {}) {
    const random = new Random(seed, 'start');
    this.state = Float32Array.of(random.uniform(-2, 2), random.uniform(-2, 2), 0, 0);
    return { observation: this.state.slice() };
  }

  step([thrustX, thrustY]) {
    for (const [axis, thrust] of [thrustX, thrustY].entries()) {
      const velocity = 0.9 * this.state[2 + axis] + 0.25 * thrust;
      const place = this.state[axis] + velocity / this.frameRate;
      this.state[axis] = Math.max(-3, Math.min(3, place)); // the shore
      this.state[2 + axis] = Math.abs(place) > 3 ? 0 : velocity;
    }
    return { observation: this.state.slice(), terminated: false };
  }

  render() {
    const data = new Uint8Array(32 * 32);
    const [column, row] = [0, 1].map((axis) => Math.min(31, Math.floor(((this.state[axis] + 3) / 6) * 32)));
    data[row * 32 + column] = 255;
    return { data, width: 32, height: 32, channels: 1 };
  }
  close() {}
}
const pond = new Pond();
await checkEnvironment(pond); // spaces, types, bounds, the same episode for the same seed: lists everything that is wrong

const world = await WorldModel.fit(pond, {
  record: { episodes: 400, frames: 24 }, // random driving
  contextFrames: 1, // velocities are among the sensors, so one reading says everything
  steps: process.argv.includes('--quick') ? 60 : 400,
});

const planner = new Planner(world, { horizon: 10, numSamples: 128, bounds: [-1, 1] });
const buoy = tensor(Float32Array.of(2, -1, 0, 0)); // there, and at rest
const map = Array.from({ length: 13 }, () => new Array(25).fill('·'));
const mark = ([x, y], sign) => (map[Math.round((3 - y) * 2)][Math.round((x + 3) * 4)] = sign);
let { observation } = pond.reset({ seed: 3 });
const distance = () => Math.hypot(observation[0] - 2, observation[1] + 1).toFixed(2);
const before = distance();
mark(observation, 'S');
for (let t = 0; t < 40; t++) {
  const { actions } = await planner.plan(tensor(observation), buoy);
  ({ observation } = pond.step(actions.subarray(0, 2)));
  mark(observation, 'o');
}
mark([2, -1], 'X');
console.log(map.map((row) => row.join('')).join('\n'));
console.log(`${before} m from the buoy at first, ${distance()} m after eight seconds`);
