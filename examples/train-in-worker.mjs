// Training in a worker thread: the main thread (a server, a window) only listens, and stops it when it likes.
// Compiled steps run on native threads anyway; a worker takes away what is left, the JavaScript between two steps.
//   node examples/train-in-worker.mjs [--quick]     Ctrl-C stops between two steps and keeps what was learnt
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { fromIndex, Random, Trainer, WorldModel, WorldModelTraining } from 'jepa';

/** A ball on a spring: it is seen where it is, an action pulls at it. Batch `index` is a function of the index. */
function springs(index) {
  const [clips, frames] = [32, 16];
  const random = new Random(index, 'springs');
  const [observations, actions] = [new Float32Array(clips * frames), new Float32Array(clips * frames)];
  for (let clip = 0; clip < clips; clip++) {
    let [place, velocity] = [random.normal(), random.normal()];
    for (let t = clip * frames; t < (clip + 1) * frames; t++) {
      observations[t] = place;
      actions[t] = random.normal();
      velocity += 0.3 * (actions[t] - place);
      place += 0.3 * velocity;
    }
  }
  return { clips, frames, observations, actions };
}

const observation = { kind: 'vector', size: 1 };
const world = WorldModel.create('tiny', { observation, action: { size: 1 }, frameRate: 10 });

if (isMainThread) {
  const steps = process.argv.includes('--quick') ? 30 : 500;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const worker = new Worker(new URL(import.meta.url), { workerData: { steps } });
  process.once('SIGINT', () => worker.postMessage('stop'));
  let weights;
  worker.on('message', ({ step, loss, state }) => {
    if (state) weights = state;
    else process.stderr.write(`\r${step} of ${steps} steps, loss ${loss.toFixed(3)} `);
  });
  await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
  console.log(`\ntrained beside this thread, which waited at most ${(delay.max / 1e6).toFixed(0)} ms for its turn`);
  await world.network.eval().loadStateDict(weights);
  const surprise = async (clips) => {
    const { raw } = await world.surprise(...world.tensors(clips));
    return (raw.reduce((sum, value) => sum + value, 0) / raw.length).toFixed(3);
  };
  const unseen = springs(1e6);
  const [off, lied] = [await surprise(unseen), await surprise({ ...unseen, actions: unseen.actions.toReversed() })];
  console.log(`what it imagines is off by ${off}, and by ${lied} if it is told the wrong actions`);
} else {
  const stop = new AbortController();
  parentPort.once('message', () => stop.abort());
  const training = new WorldModelTraining(world);
  const trainer = new Trainer(training, { steps: workerData.steps, healthEvery: 0 });
  for await (const event of trainer.run(fromIndex(springs), { signal: stop.signal }))
    if (event.type === 'step') parentPort.postMessage({ step: event.step, loss: event.metrics.loss });
  await training.finish([springs(1e5)]);
  parentPort.postMessage({ state: await world.network.stateDict() }); // models do not cross threads, weights and files do
  parentPort.close(); // else the listener above would keep the thread alive
}
