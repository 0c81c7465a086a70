import { describe, expect, it } from 'vitest';
import { prelude, runModule } from './child.js';

const clean = { status: 0, signal: null, stderr: '' };

/** A process whose workers run `body`, and whose main thread runs `main` with `start(data)` to make one. */
const withWorkers = (body: string, main: string): string => `
  import { once } from 'node:events';
  import { Worker } from 'node:worker_threads';
  ${prelude}
  const body = ${JSON.stringify(`import { parentPort, workerData } from 'node:worker_threads'; ${prelude} ${body}`)};
  const start = (data) => {
    const file = new URL('data:text/javascript,' + encodeURIComponent(body.replaceAll('#lib', new URL('dist/esm', 'file://' + process.cwd() + '/').href)));
    return new Worker(file, { workerData: data });
  };
  ${main}`;

describe('worker threads', () => {
  it('run many small programs at once, each with its own results', async () => {
    const outcome = await runModule(
      withWorkers(
        `let total = 0;
        const w = variable(Float32Array.of(workerData));
        const step = compile((x) => assign(w, w.mul(0.5).add(x)));
        for (let i = 0; i < 100; i++) {
          const x = tensor([i, workerData]);
          total += await x.mul(x).sum().item();
          await step(tensor([i]));
        }
        parentPort.postMessage([workerData, total, (await w.read())[0]]);`,
        `const workers = [1, 2, 3, 4].map(start);
        const exits = workers.map((worker) => once(worker, 'exit'));
        const results = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]));
        console.log(JSON.stringify(results));
        await Promise.all(exits);
        console.log(JSON.stringify(memory().variables));`,
      ),
    );
    expect(outcome).toMatchObject(clean);
    const [results, variables] = outcome.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    const squares = Array.from({ length: 100 }, (_, i) => i * i).reduce((a, b) => a + b);
    const expected = [1, 2, 3, 4].map((n) => {
      let w = n;
      for (let i = 0; i < 100; i++) w = Math.fround(Math.fround(w * 0.5) + i);
      return [n, squares + 100 * n * n, w];
    });
    expect(results).toEqual(expected);
    expect(variables).toBe(0); // each thread counts its own
  });

  it('may be terminated in mid-step, again and again, while the main thread works', async () => {
    const outcome = await runModule(
      withWorkers(
        `const step = work(3000);
        await step.program(square);
        const w = variable(new Float32Array(1000));
        for (let i = 0; i < 3; i++) { step(square); w.read(); w.write(new Float32Array(1000)); }
        parentPort.postMessage('running');`,
        `const own = compile((x) => x.add(1));
        let total = 0;
        for (let i = 0; i < 6; i++) {
          const worker = start();
          worker.on('error', (error) => console.log(error));
          await once(worker, 'message');
          if (i % 2) await new Promise((resolve) => setTimeout(resolve, 3));
          const stopped = worker.terminate();
          total += await (await own(tensor([i]))).item();
          await stopped;
        }
        console.log(total);`,
      ),
    );
    expect(outcome).toEqual({ ...clean, stdout: '21\n' });
  });

  it('may exit in mid-step with a code', async () => {
    const outcome = await runModule(
      withWorkers(
        `work(3000)(square);
        setImmediate(() => process.exit(5));`,
        `const [code] = await once(start(), 'exit');
        console.log(code, await tensor([1]).add(1).item());`,
      ),
    );
    expect(outcome).toEqual({ ...clean, stdout: '5 2\n' });
  });

  it('end by themselves, and with them their share of the counters', async () => {
    const outcome = await runModule(
      withWorkers(
        `const w = variable(new Float32Array(1000));
        await w.add(1).data();
        parentPort.postMessage(memory().variableBytes);`,
        `for (let i = 0; i < 3; i++) {
          const worker = start();
          const [[bytes]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
          console.log(bytes, memory().variableBytes);
        }`,
      ),
    );
    expect(outcome).toEqual({ ...clean, stdout: '4000 0\n'.repeat(3) });
  });

  it('die with the process, whatever they are doing', async () => {
    const outcome = await runModule(
      withWorkers(
        `const step = work(1000);
        await step.program(square);
        for (let i = 0; i < 5; i++) step(square);
        parentPort.postMessage('running');`,
        `await Promise.all([start(), start()].map((worker) => once(worker, 'message')));
        work(1000)(square);
        setImmediate(() => process.exit(9));`,
      ),
    );
    expect(outcome).toEqual({ ...clean, status: 9, stdout: '' });
  });
});
