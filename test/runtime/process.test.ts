import { describe, expect, it } from 'vitest';
import { prelude, runModule } from './child.js';

const clean = { status: 0, signal: null, stderr: '' };

describe('a process', () => {
  it('ends by itself when its work is done', async () => {
    const outcome = await runModule(`${prelude}
      const w = variable(new Float32Array(4));
      await compile(() => assign(w, w.add(1)))();
      console.log(await w.toArray());`);
    expect(outcome).toEqual({ ...clean, stdout: '[ 1, 1, 1, 1 ]\n' });
  });

  it('stays until steps that nobody awaits have run', async () => {
    const outcome = await runModule(`${prelude}
      work(50)(square).then(() => console.log('done'));`);
    expect(outcome).toEqual({ ...clean, stdout: 'done\n' });
  });

  it.each([0, 7])('may exit in mid-step with code %d', async (code) => {
    const outcome = await runModule(`${prelude}
      const step = work(5000);
      await step.program(square);
      step(square).then(() => console.log('finished'));
      setImmediate(() => process.exit(${code}));`);
    expect(outcome).toEqual({ ...clean, status: code, stdout: '' });
  });

  it('may exit with several steps, reads and writes in flight', async () => {
    const outcome = await runModule(`${prelude}
      const step = work(500);
      const w = variable(new Float32Array(1000));
      const add = compile(() => assign(w, w.add(1)));
      for (let i = 0; i < 10; i++) { step(square); add(); w.read(); w.write(new Float32Array(1000)); }
      process.on('exit', (code) => console.log('exit', code));
      setTimeout(() => process.exit(3), 5);`);
    expect(outcome).toEqual({ ...clean, status: 3, stdout: 'exit 3\n' });
  });

  it('may exit at once, right after the call', async () => {
    const outcome = await runModule(`${prelude}
      work(200)(square);
      process.exit(0);`);
    expect(outcome).toEqual({ ...clean, stdout: '' });
  });

  it('dies of an exception in mid-step as without one', async () => {
    const { status, signal, stderr } = await runModule(`${prelude}
      work(2000)(square);
      setImmediate(() => { throw new Error('mine'); });`);
    expect({ status, signal }).toEqual({ status: 1, signal: null });
    expect(stderr).toContain('Error: mine');
  });

  it('has no unhandled rejection but of promises that its own code has dropped', async () => {
    const outcome = await runModule(`${prelude}
      process.on('unhandledRejection', (reason) => console.log('unhandled', reason.code));
      const w = variable(new Float32Array(2));
      const failing = compile((x) => assign(w, x.mul(Infinity)).sum().div(0));
      const { guardFinite } = await import('#lib/tensor/index.js');
      const guarded = compile((x) => guardFinite(x, 'x'));
      await guarded(tensor([NaN])).catch(({ code }) => console.log('caught', code));
      await guarded.call({ signal: AbortSignal.abort() }, tensor([1])).catch(({ code }) => console.log('caught', code));
      await tensor([1]).add(1).item();
      await failing(tensor([1, 2]));
      guarded(tensor([NaN]));
      await new Promise((resolve) => setTimeout(resolve, 20));`);
    expect(outcome).toEqual({
      ...clean,
      stdout: 'caught ERR_JEPA_NON_FINITE\ncaught ERR_JEPA_ABORTED\nunhandled ERR_JEPA_NON_FINITE\n',
    });
  });
});

describe('JEPA_CPU', () => {
  it('pins each target of the machine, which names itself in profiles; all agree', async () => {
    const { stdout } = await runModule(`${prelude} console.log(JSON.stringify(describeMachine().targets));`);
    const targets = JSON.parse(stdout) as string[];
    expect(targets[0]).toBe('scalar');
    const results: number[] = [];
    for (const target of targets) {
      const outcome = await runModule(
        `${prelude}
        const step = compile((x) => sum(matmul(x, x).tanh()));
        const x = tensor(Float32Array.from({ length: 900 }, (_, i) => Math.fround((i % 7) / 30)), { shape: [30, 30] });
        const { target } = await step.profile(x);
        console.log(JSON.stringify([describeMachine().target, target, await (await step(x)).item()]));`,
        { env: { JEPA_CPU: target } },
      );
      expect(outcome).toMatchObject(clean);
      const [described, profiled, value] = JSON.parse(outcome.stdout) as [string, string, number];
      expect([described, profiled]).toEqual([target, target]);
      results.push(value);
    }
    for (const value of results) expect(value / results[0]).toBeCloseTo(1, 5);
  });

  it('that is no target of this machine is an error, and says what there is', async () => {
    const outcome = await runModule(
      `${prelude} try { describeMachine() } catch ({ code, message }) { console.log(code, message) }
      tensor([1]).add(1).data().catch(({ code, message }) => console.log(code, message));`,
      { env: { JEPA_CPU: 'sse9' } },
    );
    expect(outcome).toMatchObject(clean);
    const line = /^ERR_JEPA_CONFIG \[jepa\] expected JEPA_CPU to be one of scalar.* on this machine, got 'sse9'$/;
    expect(outcome.stdout.trim().split('\n')).toEqual([expect.stringMatching(line), expect.stringMatching(line)]);
  });
});

describe('JEPA_THREADS', () => {
  it.each(['1', '3', '256'])('is taken: %s', async (threads) => {
    const outcome = await runModule(`${prelude} console.log(describeMachine().threads);`, {
      env: { JEPA_THREADS: threads },
    });
    expect(outcome).toEqual({ ...clean, stdout: `${threads}\n` });
  });

  it.each(['0', '-1', '257', 'two', '2.5', ' ', '99999999999999999999'])('is no %j', async (threads) => {
    const outcome = await runModule(
      `${prelude} try { describeMachine() } catch ({ code, message }) { console.log(code, message) }`,
      { env: { JEPA_THREADS: threads } },
    );
    const sentence = `[jepa] expected JEPA_THREADS to be a number from 1 to 256, got '${threads}'`;
    expect(outcome).toEqual({ ...clean, stdout: `ERR_JEPA_CONFIG ${sentence}\n` });
  });

  it.each(['float32', 'bfloat16'])('does not change a bit of a training step in %s', async (precision) => {
    const outcomes = await Promise.all(
      ['1', '2', '3'].map((threads) =>
        runModule(
          `import { createHash } from 'node:crypto';
          import { VisionTransformer } from '#lib/nn/vision-transformer.js';
          import { mse } from '#lib/nn/losses/index.js';
          import { adamW, Ema } from '#lib/optim/index.js';
          import { uniform, zeros } from '#lib/ops/index.js';
          import { compile, scalar, valueAndGrad } from '#lib/tensor/index.js';
          const options = { imageSize: 24, patchSize: 4, width: 48, depth: 2, heads: 3, seed: 1 };
          const [model, target] = [new VisionTransformer(options), new VisionTransformer({ ...options, seed: 2 })];
          const ema = new Ema(model, { target });
          const optimiser = adamW(model.parameters(), { clipNorm: 1 });
          const step = compile((x, n) => {
            const { value: loss, gradients } = valueAndGrad(
              () => mse(model.forward(x), uniform([5, 36, 48], { seed: 3, step: n, stream: 'target' })), model.parameters());
            optimiser.update(gradients, { learningRate: 1e-3 });
            ema.update({ momentum: 0.9 });
            return loss;
          }, { precision: '${precision}' });
          const hash = createHash('sha256');
          for (let n = 0; n < 3; n++)
            hash.update(Buffer.from((await (await step(uniform([5, 3, 24, 24], { seed: 4, step: n }), scalar(n, 'int32'))).data()).buffer));
          for (const module of [model, target])
            for (const { data } of (await module.stateDict()).values()) hash.update(data);
          console.log(hash.digest('hex'));`,
          { env: { JEPA_THREADS: threads } },
        ),
      ),
    );
    for (const outcome of outcomes) expect(outcome).toMatchObject(clean);
    const hashes = outcomes.map(({ stdout }) => stdout.trim());
    expect(hashes[0]).toMatch(/^[0-9a-f]{64}$/);
    expect(new Set(hashes).size).toBe(1);
  });
});
