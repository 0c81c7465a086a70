// A training run of its own process, for tests that kill it: a small world model of three sensors, trained into the folder argv[2].
// Goes on where the folder's checkpoint is, if there is one. argv[3]: steps, argv[4]: steps between checkpoints.
import { existsSync } from 'node:fs';
import { checkpointPath, fromIndex, Trainer, WorldModel, WorldModelTraining } from '#lib/index.js';

const [, , directory, steps, checkpointEvery] = process.argv;
const [clips, frames] = [8, 8];

/** Batch `index`: a point that drifts, is pushed by its action, and is seen by three sensors. Integer arithmetic decides. */
function batchOf(index) {
  const observations = new Float32Array(clips * frames * 3);
  const actions = new Float32Array(clips * frames);
  let state = (index * 2654435761 + 12345) >>> 0;
  const draw = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  for (let clip = 0; clip < clips; clip++) {
    let [place, velocity] = [draw(), draw() / 4];
    for (let t = 0; t < frames; t++) {
      const row = clip * frames + t;
      actions[row] = draw();
      observations.set([place, place * place, 1 - place], row * 3);
      velocity += actions[row] / 8;
      place += velocity;
    }
  }
  return { clips, frames, observations, actions };
}

const model = WorldModel.create('tiny', {
  observation: { kind: 'vector', size: 3 },
  action: { size: 1 },
  frameRate: 10,
  seed: 5,
});
const training = new WorldModelTraining(model, { objective: { firstTwinFrame: 4 } });
const trainer = new Trainer(training, {
  steps: Number(steps),
  directory,
  checkpointEvery: Number(checkpointEvery),
  healthEvery: 7,
});
if (existsSync(checkpointPath(directory))) await trainer.resume(checkpointPath(directory));
for await (const event of trainer.run(fromIndex(batchOf))) if (event.type === 'done') console.log('done');
