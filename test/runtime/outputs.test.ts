import { describe, expect, it } from 'vitest';
import { prelude, runModule } from './child.js';

const clean = { status: 0, signal: null, stderr: '' };
const flags = ['--expose-gc'];

/** A program with an output of a megabyte, `values(n)` as its input, `turn()` until finalizers have run. */
const large = `
  ${prelude}
  const plusOne = compile((x) => x.add(1));
  const values = (n) => tensor(new Float32Array(262_144).fill(n));
  const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
  const collect = async () => { for (let i = 0; i < 4; i++) { gc(); await turn(); } };
  const holds = (data, n) => data.length === 262_144 && data.every((value) => value === n);
`;

describe('memory of large results', () => {
  it('comes back when nobody holds them, and holds still until then', async () => {
    const outcome = await runModule(
      `${large}
      const use = async () => {
        const kept = await (await plusOne(values(1))).data();
        for (let i = 0; i < 5; i++) {
          await plusOne(values(10 + i));
          await collect();
        }
        console.log(holds(kept, 2), memory().spareBytes);
        return new Float32Array(kept.buffer, 4, 10); // a part of it holds all of it
      };
      const part = await use();
      await collect();
      console.log(part.every((value) => value === 2), memory().spareBytes);
      const again = await (await plusOne(values(3))).data();
      console.log(holds(again, 4), memory().spareBytes);`,
      { flags },
    );
    // A megabyte of an input and one of an output; the output is on loan in the end.
    expect(outcome).toEqual({ ...clean, stdout: `true ${2 * 2 ** 20}\ntrue ${2 * 2 ** 20}\ntrue ${2 ** 20}\n` });
  });

  it('is collected by itself in a loop that never looks at memory', async () => {
    const outcome = await runModule(`${large}
      const x = values(1);
      let most = 0;
      for (let i = 0; i < 400; i++) {
        await plusOne(x);
        most = Math.max(most, process.memoryUsage().external);
      }
      console.log(most < 200 * 2 ** 20, memory().spareBytes < 100 * 2 ** 20);`);
    expect(outcome).toEqual({ ...clean, stdout: 'true true\n' });
  });

  it('is kept within bounds', async () => {
    const outcome = await runModule(
      `${large}
      const make = async () => {
        const many = compile((x) => Array.from({ length: 40 }, (_, i) => x.add(i)));
        const x = tensor(new Float32Array(2 ** 21));
        for (const part of await many(x)) await part.data();
      };
      await make();
      await collect();
      console.log(memory().spareBytes <= 256 * 2 ** 20);`,
      { flags },
    );
    expect(outcome).toEqual({ ...clean, stdout: 'true\n' });
  });

  it('comes back from a run that was stopped', async () => {
    const outcome = await runModule(
      `${large}
      const stopped = new AbortController();
      const slow = compile((x) => {
        let y = x;
        for (let i = 0; i < 300; i++) y = matmul(y, x);
        return y;
      });
      const running = slow.call({ signal: stopped.signal }, square);
      setTimeout(() => stopped.abort(), 5);
      await running.catch(({ code }) => console.log(code));
      await turn();
      console.log(memory().spareBytes > 0, holds(await (await plusOne(values(1))).data(), 2));`,
      { flags },
    );
    expect(outcome).toEqual({ ...clean, stdout: 'ERR_JEPA_ABORTED\ntrue true\n' });
  });

  it('can be sent to another thread and cloned, as a copy', async () => {
    const outcome = await runModule(`${large}
      const { MessageChannel } = await import('node:worker_threads');
      const data = await (await plusOne(values(1))).data();
      data[0] = 7;
      const { port1, port2 } = new MessageChannel();
      const arrived = new Promise((resolve) => port2.once('message', resolve));
      port1.postMessage(data);
      const copy = await arrived;
      data[0] = 2;
      port2.close();
      console.log(copy[0], copy.length, holds(data, 2), holds(structuredClone(data), 2));`);
    expect(outcome).toEqual({ ...clean, stdout: '7 262144 true true\n' });
  });

  it('never leaves its thread: transferring it is refused, or copies it', async () => {
    const outcome = await runModule(`${large}
      const data = await (await plusOne(values(1))).data();
      let copy = data;
      try { copy = structuredClone(data, { transfer: [data.buffer] }); } catch ({ name }) { if (name !== 'DataCloneError') throw 0; }
      console.log(holds(data, 2) || data.length === 0, holds(copy, 2));`);
    expect(outcome).toEqual({ ...clean, stdout: 'true true\n' });
  });

  it('comes back with the end of its worker, terminated or not, and spoils nothing of the others', async () => {
    const worker = `${large.replaceAll("'#lib", "'ROOT")}
      globalThis.held = [];
      for (let i = 0; i < 10; i++) held.push(await (await plusOne(values(i))).data());
      (await import('node:worker_threads')).parentPort.postMessage(held.every((data, i) => holds(data, i + 1)));
      if (END) for (;;) await plusOne(values(0));`;
    const outcome = await runModule(
      `${large}
      const { once } = await import('node:events');
      const { Worker } = await import('node:worker_threads');
      const root = new URL('dist/esm', 'file://' + process.cwd() + '/').href;
      const start = (end) => new Worker(
        new URL('data:text/javascript,' + encodeURIComponent(${JSON.stringify(worker)}.replaceAll('ROOT', root).replace('END', end))));
      const own = await (await plusOne(values(4))).data();
      for (const end of [false, true, false, true]) {
        const worker = start(end);
        const exit = once(worker, 'exit');
        console.log((await once(worker, 'message'))[0]);
        if (end) await worker.terminate();
        await exit;
      }
      const spare = memory().spareBytes; // the workers' too
      for (let i = 0; i < 20; i++) if (!holds(await (await plusOne(values(i))).data(), i + 1)) console.log('spoilt');
      console.log(holds(own, 5), spare >= 10 * 2 ** 20);`,
    );
    expect(outcome).toEqual({ ...clean, stdout: 'true\ntrue\ntrue\ntrue\ntrue true\n' });
  });

  it('is copied out where the engine takes no buffers from outside, and can then be transferred', async () => {
    const outcome = await runModule(
      `${large}
      const data = await (await plusOne(values(1))).data();
      const moved = structuredClone(data, { transfer: [data.buffer] });
      console.log(data.length, holds(moved, 2), memory().spareBytes);`,
      { env: { JEPA_EXTERNAL_BUFFERS: '0' } },
    );
    expect(outcome).toEqual({ ...clean, stdout: `0 true ${2 * 2 ** 20}\n` });
  });
});
