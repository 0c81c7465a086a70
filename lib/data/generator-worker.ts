import { constants, setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { type BatchGenerator, type GeneratorReply, type GeneratorRequest, importFunction } from './generator.js';
import { handedOver } from './handed-over.js';

const { module, name, options } = workerData as BatchGenerator;

// Kernels' threads wait for one another, so a batch that is not needed yet should not take a core from them. On Linux a priority
// belongs to the thread, elsewhere to the whole process.
if (process.platform === 'linux') {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox that forbids it: slower, nothing else.
  }
}

const generate = importFunction(module, name);
generate.catch(() => {}); // told with every reply

parentPort?.on('message', async ({ index }: GeneratorRequest) => {
  const reply = (message: GeneratorReply, memory: ArrayBuffer[] = []): void => parentPort?.postMessage(message, memory);
  try {
    const { batch, memory } = handedOver(await (await generate)(options, index));
    reply({ index, batch }, memory);
  } catch (error) {
    const { message, code, stack } = (error ?? {}) as Partial<Error & { code: string }>; // anything can be thrown, null too
    reply({ index, error: { message: message ?? String(error), code, stack } });
  }
});
