// A camera and a sensor at once: a lift whose picture shows where it is, and whose gauge reads how fast it goes. A model of both learns
// from random driving, and plans to a floor that it is shown.
//   node examples/camera-and-sensors.mjs [--quick]
import { box, CemSolver, checkEnvironment, dict, distanceAlongHorizon, latentDynamics, Random, WorldModel } from 'jepa';

class Lift {
  name = 'lift';
  frameRate = 5;
  observationSpace = dict({
    camera: box({ shape: [16, 8, 1], low: 0, high: 255, dtype: 'uint8' }),
    gauge: box({ shape: [1], low: -3, high: 3, names: ['speed'], units: ['m/s'] }),
  });
  actionSpace = box({ shape: [1], low: -1, high: 1, names: ['motor'] });

  reset({ seed = 0, options = {} } = {}) {
    [this.height, this.speed] = [options.height ?? new Random(seed, 'start').uniform(1, 14), 0];
    return { observation: this.observe() };
  }
  step([motor]) {
    this.speed = 0.8 * this.speed + 0.5 * motor;
    const height = this.height + this.speed;
    this.height = Math.max(0, Math.min(15, height));
    if (height !== this.height) this.speed = 0; // the end of the shaft
    return { observation: this.observe(), terminated: false };
  }
  observe() {
    const shade = (_, pixel) => 255 * Math.max(0, 1 - Math.abs(15 - Math.floor(pixel / 8) - this.height) / 1.5);
    return { camera: Uint8Array.from({ length: 128 }, shade), gauge: Float32Array.of(this.speed) };
  }
  render = () => ({ data: this.observe().camera, width: 8, height: 16, channels: 1 });
  close() {}
}

const lift = new Lift();
await checkEnvironment(lift);
const steps = process.argv.includes('--quick') ? 100 : 600;
const world = await WorldModel.fit(lift, { steps, record: { episodes: 200, frames: 24 } });

const floor = await world.session();
await floor.observe(lift.reset({ options: { height: 12 } }).observation); // what it looks like, and reads, to stand there
const goal = floor.state.embedding;
const search = { horizon: 6, numSamples: 64, iterations: 4, bounds: [-1, 1] };
const solver = new CemSolver(latentDynamics(world), distanceAlongHorizon, search);
const session = await world.session(); // remembers what it has seen: a plan begins there
await session.observe(lift.reset({ options: { height: 3 } }).observation);
console.log(`the lift is ${(12 - lift.height).toFixed(1)} m below its floor`);
for (let step = 0; step < 24; step++) {
  const { actions } = await solver.solve({ state: session.state, goal, call: step });
  const motor = actions.slice(0, 1);
  await session.observe(lift.step(motor).observation, motor);
}
console.log(`and ${Math.abs(12 - lift.height).toFixed(1)} m from it after 24 steps`);
