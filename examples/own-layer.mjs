// A layer of your own: sin(ω·(W·x + b)), with which a network draws edges that one of ReLUs blurs (SIREN, Sitzmann et al. 2020).
// Both learn a picture as a function of the place, (x, y) → brightness, and draw what they learnt.
//   node examples/own-layer.mjs [--quick]
import { initialise, Linear, Module, ModuleTraining, mse, mul, Sequential, sin, tensor, variable } from 'jepa';

class Sine extends Module {
  /** Variables and modules among the properties are its parameters: optimisers and files find them there. */
  constructor(inputs, outputs, { seed, first = false, omega = 20 }) {
    super();
    const bound = first ? 1 / inputs : Math.sqrt(6 / inputs) / omega; // every layer then has inputs of about the same spread
    this.linear = new Linear(inputs, outputs, { seed, initialiser: initialise.uniform(bound) });
    this.omega = variable(Float32Array.of(omega), { name: 'omega' });
  }

  /** [..., inputs] → [..., outputs]; the gradient follows from the ops. */
  forward(x) {
    return sin(mul(this.linear.forward(x), this.omega));
  }
}

const [width, height] = [48, 24];
const places = Array.from({ length: width * height }, (_, i) => [
  ((i % width) + 0.5) / (width / 2) - 1,
  (Math.floor(i / width) + 0.5) / (height / 2) - 1,
]);
/** A face: 1 in the ring, the eyes and the smile, 0 elsewhere. */
const brightness = ([x, y]) => {
  const ring = Math.abs(Math.hypot(x, y) - 0.88) < 0.09;
  const eyes = Math.hypot(Math.abs(x) - 0.34, y + 0.3) < 0.12;
  const smile = y > 0.12 && Math.abs(Math.hypot(x, y) - 0.52) < 0.09;
  return [ring || eyes || smile ? 1 : 0];
};
const picture = { x: tensor(places), y: tensor(places.map(brightness)) };

const linear = (inputs, outputs) => new Linear(inputs, outputs, { seed: 1 });
const networks = {
  ReLU: new Sequential(linear(2, 64), 'relu', linear(64, 64), 'relu', linear(64, 1)),
  Sine: new Sequential(new Sine(2, 64, { seed: 1, first: true }), new Sine(64, 64, { seed: 1 }), linear(64, 1)),
};
const steps = process.argv.includes('--quick') ? 60 : 600;
for (const [name, network] of Object.entries(networks)) {
  const training = new ModuleTraining(network, ({ x, y }) => mse(network.forward(x), y), { learningRate: 2e-3 });
  for (let step = 0; step < steps; step++) await training.step(picture, step, { steps });
  const drawn = network.forward(picture.x);
  const shades = [...(await drawn.data())].map((value) => ' .:*#'[Math.min(4, Math.max(0, Math.round(value * 4)))]);
  for (let row = 0; row < height; row++) console.log(shades.slice(row * width, (row + 1) * width).join(''));
  const error = await mse(drawn, picture.y).item();
  console.log(`${name}: mean squared error ${error.toFixed(4)} after ${steps} steps\n`);
}
