// Training in a worker thread: the main thread (a server, a window) only listens, and stops it when it likes.
// Compiled steps run on native threads anyway; a worker takes away what is left, the JavaScript between two steps.
//   node examples/train-in-worker.mjs [--quick]     Ctrl-C stops between two steps and keeps what was learnt
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

if (isMainThread) {
  const folder = await mkdtemp(join(tmpdir(), 'jepa-worker-'));
  const path = join(folder, 'spring.jepa');
  const steps = process.argv.includes('--quick') ? 30 : 500;
  const delay = monitorEventLoopDelay({ resolution: 5 });
  delay.enable();
  const worker = new Worker(new URL(import.meta.url), { workerData: { path, steps } });
  process.once('SIGINT', () => worker.postMessage('stop'));
  worker.on('message', ({ step, loss }) => {
    const bar = '█'.repeat(Math.round((30 * step) / steps)).padEnd(30, '░');
    process.stderr.write(`\r${bar} ${step} of ${steps}, loss ${loss.toFixed(3)} `);
  });
  await new Promise((resolve, reject) => worker.once('error', reject).once('exit', resolve));
  delay.disable();
  const world = await WorldModel.load(path); // what crosses threads is a file, or `await network.stateDict()`
  const unseen = springs(1e6);
  const surprise = async (clips) => {
    const { raw } = await world.surprise(...world.tensors(clips));
    return (raw.reduce((sum, value) => sum + value, 0) / raw.length).toFixed(3);
  };
  const lie = { ...unseen, actions: unseen.actions.toReversed() }; // what others did
  console.log(`\ntrained beside this thread, which waited at most ${(delay.max / 1e6).toFixed(0)} ms for its turn`);
  console.log(
    `what it imagines is off by ${await surprise(unseen)}, and by ${await surprise(lie)} if it is told the wrong actions`,
  );
  await rm(folder, { recursive: true });
} else {
  const stop = new AbortController();
  parentPort.once('message', () => stop.abort());
  const world = WorldModel.create('tiny', {
    observation: { kind: 'vector', size: 1 },
    action: { size: 1 },
    frameRate: 10,
  });
  const training = new WorldModelTraining(world);
  const trainer = new Trainer(training, { steps: workerData.steps, healthEvery: 0 });
  for await (const event of trainer.run(fromIndex(springs), { signal: stop.signal }))
    if (event.type === 'step') parentPort.postMessage({ step: event.step, loss: event.metrics.loss });
  await training.finish([springs(1e5)]);
  await world.save(workerData.path);
  parentPort.close(); // else the listener above would keep the thread alive
}
