// A model of your own, trained as the library trains its own: a Module, a loss, a Trainer.
// It learns how a pendulum swings from its angle and a torque, and is then asked where it will be in a second.
//   node examples/own-model.mjs [--quick]
import { compile, concat, fromIndex, MLP, Module, ModuleTraining, mse, Random, Trainer, tensor } from 'jepa';

const [clips, frames, seconds] = [64, 20, 0.05];

/**
 * Clips of angle and angular velocity, [clips, frames, 2], and the torques between them: θ'' = −9.81·sin θ − 0.2·θ' + torque.
 * A batch is a function of its index alone: that is what makes resuming exact.
 */
function batchOf(index) {
  const random = new Random(index, 'pendulum');
  const [states, torques] = [new Float32Array(clips * frames * 2), new Float32Array(clips * frames)];
  for (let clip = 0; clip < clips; clip++) {
    let [angle, velocity, torque] = [random.uniform(-2, 2), random.uniform(-2, 2), 0];
    for (let t = clip * frames; t < (clip + 1) * frames; t++) {
      states.set([angle, velocity], 2 * t);
      if (t % 5 === 0) torque = random.uniform(-2, 2);
      torques[t] = torque;
      velocity += (-9.81 * Math.sin(angle) - 0.2 * velocity + torque) * seconds; // semi-implicit Euler
      angle += velocity * seconds;
    }
  }
  const shape = (size) => ({ shape: [clips, frames, size] });
  return { states: tensor(states, shape(2)), torques: tensor(torques, shape(1)) };
}

class Pendulum extends Module {
  change = new MLP(3, 64, 2, { seed: 0 });

  /** Open loop: the first state and all torques in, all states out. */
  imagine({ states, torques }) {
    const imagined = [states.slice(1, 0, 1)];
    for (let t = 1; t < frames; t++) {
      const before = imagined[t - 1];
      imagined.push(before.add(this.change.forward(concat([before, torques.slice(1, t - 1, t)], 2))));
    }
    return concat(imagined, 1);
  }
}

const model = new Pendulum();
const training = new ModuleTraining(model, (batch) => mse(model.imagine(batch), batch.states), { learningRate: 3e-3 });
const steps = process.argv.includes('--quick') ? 200 : 400;
for await (const event of new Trainer(training, { steps, reportEvery: 50 }).run(fromIndex(batchOf)))
  if (event.type === 'step') console.error(`step ${event.step}: loss ${event.metrics.loss.toFixed(5)}`);

const unseen = batchOf(1e6);
const missed = compile((batch) =>
  model
    .imagine(batch)
    .sub(batch.states)
    .slice(1, frames - 1)
    .slice(2, 0, 1),
); // the last angle
const errors = await (await missed(unseen)).data();
const error = errors.reduce((sum, value) => sum + Math.abs(value) / clips, 0);
console.log(`after ${((frames - 1) * seconds).toFixed(2)} s the angle is off by ${error.toFixed(3)} rad on average`);
