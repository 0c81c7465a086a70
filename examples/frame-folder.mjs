// A world model of your own recordings: a folder for each episode, with its frames (000.png …) and actions.npy, a row for each frame.
//   npm install sharp
//   node examples/frame-folder.mjs recordings [steps] [model file]
import { clipBatches, episodeStatistics, frameFolders, Trainer, WorldModel, WorldModelTraining } from 'jepa';

const [folder = 'recordings', steps = '2000', file = 'recordings.jepa'] = process.argv.slice(2);

const episodes = await frameFolders(folder, { height: 64, width: 64, frameRate: 15 });
const world = WorldModel.create('tiny', await episodeStatistics(episodes));
const training = new WorldModelTraining(world);
const batches = clipBatches(episodes, { frames: 16, seed: 1 });
for await (const event of new Trainer(training, { steps: Number(steps) }).run(batches))
  if (event.type === 'step') console.error(`step ${event.step}: loss ${event.metrics.loss.toFixed(3)}`);

// The averaged weights become the model; its normalisation is estimated from batches that come after those of training.
batches.seek(Number(steps));
const some = [];
for await (const batch of batches) if (some.push(batch) === 4) break;
await training.finish(some);
await world.save(file);

const { normalised } = await world.surprise(...world.tensors(some[0]));
const mean = normalised.reduce((sum, value) => sum + value, 0) / normalised.length;
console.log(`${episodes.lengths.length} episodes; surprise of its own recordings: ${mean.toFixed(2)} (1 is usual)`);
