// A model of your own, trained as the library trains its own: a Module, a compiled step, a Trainer.
// It learns how a pendulum swings from its angle and a torque, and is then asked where it will be in a second.
//   node examples/own-model.mjs [--quick]
import {
  adamW,
  add,
  compile,
  concat,
  fromIndex,
  joinStateDicts,
  MLP,
  Module,
  mse,
  scalar,
  slice,
  splitStateDict,
  Trainer,
  tensor,
  valueAndGrad,
} from 'jepa';

const [clips, frames, seconds] = [64, 20, 0.05];

/** Angle and angular velocity after each frame, semi-implicit Euler; θ'' = −9.81·sin θ − 0.2·θ' + torque. */
function swing(random) {
  const states = new Float32Array(frames * 2);
  const torques = new Float32Array(frames);
  let [angle, velocity] = [random() * 4 - 2, random() * 4 - 2];
  for (let t = 0; t < frames; t++) {
    states.set([angle, velocity], 2 * t);
    torques[t] = t % 5 === 0 ? random() * 4 - 2 : torques[t - 1];
    velocity += (-9.81 * Math.sin(angle) - 0.2 * velocity + torques[t]) * seconds;
    angle += velocity * seconds;
  }
  return { states, torques };
}

/** Batch number `index` is a function of the index alone: that is what makes resuming exact. */
function batchOf(index) {
  let seed = index + 1;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  const states = new Float32Array(clips * frames * 2);
  const torques = new Float32Array(clips * frames);
  for (let clip = 0; clip < clips; clip++) {
    const one = swing(random);
    states.set(one.states, clip * frames * 2);
    torques.set(one.torques, clip * frames);
  }
  return {
    states: tensor(states, { shape: [clips, frames, 2] }),
    torques: tensor(torques, { shape: [clips, frames, 1] }),
  };
}

class Pendulum extends Module {
  change = new MLP(3, 64, 2, { seed: 0 });

  /** Open loop: the first state and all torques in, all states out. */
  imagine(first, torques) {
    const states = [first];
    for (let t = 1; t < torques.shape[1]; t++) {
      const before = states[t - 1];
      states.push(add(before, this.change.forward(concat([before, slice(torques, 1, t - 1, t)], 2))));
    }
    return concat(states, 1);
  }
}

const model = new Pendulum();
const optimiser = adamW(model.parameters());
const step = compile((states, torques, learningRate) => {
  const { value: loss, gradients } = valueAndGrad(
    () => mse(model.imagine(slice(states, 1, 0, 1), torques), states),
    model.parameters(),
  );
  optimiser.update(gradients, { learningRate });
  return { loss };
});

/** What a Trainer needs to know of it. */
const trainable = {
  description: { kind: 'pendulum' },
  step: async ({ states, torques }, index, { steps }) => ({
    loss: await (await step(states, torques, scalar(3e-3 * (1 - index / steps)))).loss.item(),
  }),
  stateDict: async () => joinStateDicts({ model: await model.stateDict(), optimiser: await optimiser.stateDict() }),
  loadStateDict: async (state) => {
    const parts = splitStateDict(state, ['model', 'optimiser']);
    await model.loadStateDict(parts.model);
    await optimiser.loadStateDict(parts.optimiser);
  },
  samples: () => clips * frames,
};

const steps = process.argv.includes('--quick') ? 200 : 400;
for await (const event of new Trainer(trainable, { steps, reportEvery: 50 }).run(fromIndex(batchOf)))
  if (event.type === 'step') console.error(`step ${event.step}: loss ${event.metrics.loss.toFixed(5)}`);

const unseen = batchOf(1e6);
const imagine = compile((states, torques) => model.imagine(slice(states, 1, 0, 1), torques));
const [imagined, truth] = [await (await imagine(unseen.states, unseen.torques)).data(), await unseen.states.data()];
let error = 0;
for (let clip = 0; clip < clips; clip++)
  error += Math.abs(imagined[(clip * frames + frames - 1) * 2] - truth[(clip * frames + frames - 1) * 2]) / clips;
console.log(`after ${((frames - 1) * seconds).toFixed(2)} s the angle is off by ${error.toFixed(3)} rad on average`);
