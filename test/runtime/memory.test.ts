import { describe, expect, it } from 'vitest';
import { prelude, runModule } from './child.js';

const clean = { status: 0, signal: null, stderr: '' };

/** Runs a module with `collect()`, which collects garbage until memory() no longer changes. */
const collected = (source: string) =>
  runModule(
    `${prelude}
    const collect = async () => {
      for (let before = '', i = 0; i < 20 && before !== JSON.stringify(memory()); i++) {
        before = JSON.stringify(memory());
        for (let k = 0; k < 3; k++) { gc(); await new Promise((resolve) => setTimeout(resolve, 5)); }
      }
      const { variables, variableBytes, programs } = memory();
      return JSON.stringify({ variables, variableBytes, programs });
    };
    ${source}`,
    { flags: ['--expose-gc'] },
  );
const nothing = '{"variables":0,"variableBytes":0,"programs":0}';

describe('garbage collection', () => {
  it('frees variables that nobody holds', async () => {
    const outcome = await collected(`
      const make = async () => {
        const held = Array.from({ length: 10 }, () => variable(new Float32Array(100_000)));
        for (const w of held) await w.write(new Float32Array(100_000));
        console.log(memory().variables, memory().variableBytes);
      };
      await make();
      console.log(await collect());`);
    expect(outcome).toEqual({ ...clean, stdout: `10 4000000\n${nothing}\n` });
  });

  it('frees them also after they were evaluated with: cached programs hold no variable', async () => {
    const outcome = await collected(`
      const make = async () => {
        const w = variable(new Float32Array(1000));
        await w.add(1).data();
        await w.mul(w).sum().item();
        console.log(memory().programs);
      };
      await make();
      console.log(await collect());`);
    expect(outcome).toEqual({ ...clean, stdout: `2\n${nothing}\n` });
  });

  it('frees a model, its optimiser and its compiled step together', async () => {
    const outcome = await collected(`
      const { Linear } = await import('#lib/nn/linear.js');
      const { mse } = await import('#lib/nn/losses/index.js');
      const { adamW, Ema } = await import('#lib/optim/index.js');
      const { valueAndGrad } = await import('#lib/tensor/index.js');
      const train = async () => {
        const model = new Linear(8, 8, { name: 'model' });
        const optimiser = adamW(model.parameters());
        const ema = new Ema(model);
        const step = compile((x) => {
          const { value, gradients } = valueAndGrad(() => mse(model.forward(x), x), model.parameters());
          optimiser.update(gradients, { learningRate: 0.1 });
          ema.update({ momentum: 0.9 });
          return value;
        });
        const first = await (await step(full([2, 8], 1))).item();
        for (let i = 0; i < 5; i++) await step(full([2, 8], 1));
        await model.stateDict();
        console.log((await (await step(full([2, 8], 1))).item()) < first, memory().variables > 8);
      };
      await train();
      console.log(await collect());`);
    expect(outcome.stderr).toBe('');
    const [trained, after] = outcome.stdout.trim().split('\n');
    expect(trained).toBe('true true');
    // Programs of plain values, such as the input's, stay cached.
    expect(JSON.parse(after)).toMatchObject({
      variables: 0,
      variableBytes: 0,
      programs: expect.toSatisfy((n) => n <= 1),
    });
  });

  it.each([
    ['is dropped', ''],
    ['is disposed of', 'model.dispose(); console.log(JSON.stringify(memory()));'],
  ])('a world model leaves nothing behind when it %s', async (_, end) => {
    const outcome = await collected(`
      const { WorldModel } = await import('#lib/index.js');
      const use = async () => {
        const options = { observation: { kind: 'vector', size: 4 }, action: { size: 2 }, frameRate: 10 };
        const model = WorldModel.create('tiny', options);
        const embeddings = await model.encode(tensor(new Float32Array(48), { shape: [2, 6, 4] }));
        await model.states(embeddings, tensor(new Float32Array(24), { shape: [2, 6, 2] }));
        console.log(memory().variables > 10, memory().programs);
        ${end}
      };
      await use();
      console.log(await collect());`);
    expect(outcome).toMatchObject(clean);
    const lines = outcome.stdout.trim().split('\n');
    expect([lines[0], lines[lines.length - 1]]).toEqual(['true 2', nothing]);
    if (end !== '') expect(JSON.parse(lines[1])).toMatchObject({ variables: 0, variableBytes: 0, programs: 0 });
  });

  it('keeps what is still reachable, by a step alone too', async () => {
    const outcome = await collected(`
      const make = () => {
        const w = variable(Float32Array.of(1));
        return compile(() => assign(w, w.add(1)));
      };
      const step = make();
      await step();
      console.log(await collect());
      console.log(await (await step()).item());`);
    expect(outcome).toEqual({ ...clean, stdout: '{"variables":1,"variableBytes":4,"programs":1}\n3\n' });
  });

  it('is told how much a small handle holds, and comes by itself', async () => {
    const outcome = await collected(`
      const { loadAddon } = await import('#lib/native/load.js');
      const addon = loadAddon();
      for (let i = 0; i < 80; i++) {
        addon.createVariable(0, 4_000_000);
        await new Promise(setImmediate);
      }
      console.log(memory().variableBytes < 80 * 16_000_000);`);
    expect(outcome).toEqual({ ...clean, stdout: 'true\n' });
  });
});

describe('dispose', () => {
  it('gives memory back at once, although a program still binds the variable', async () => {
    const outcome = await collected(`
      const resident = () => process.memoryUsage.rss();
      const w = variable(new Float32Array(50_000_000));
      const step = compile(() => w.slice(0, 0, 1));
      await w.write(new Float32Array(50_000_000).fill(1));
      await step();
      gc();
      const held = resident();
      w.dispose();
      await tensor([1]).add(1).data(); // after the release
      gc();
      console.log(memory().variableBytes, held - resident() > 1.5e8);
      await step().catch(({ code }) => console.log(code));`);
    expect(outcome).toEqual({ ...clean, stdout: '0 true\nERR_JEPA_DISPOSED\n' });
  });

  it('does not disturb a later collection', async () => {
    const outcome = await collected(`
      const make = async () => {
        const w = variable(new Float32Array(1000));
        await w.add(1).data();
        const step = compile((x) => x.add(w));
        await step(tensor([1]));
        w.dispose();
        step.dispose();
      };
      for (let i = 0; i < 5; i++) await make();
      console.log(await collect());`);
    expect(outcome).toEqual({ ...clean, stdout: `${nothing}\n` });
  });
});

describe('a program too large for the machine', () => {
  it('is refused with its plan, before any of it is taken', async () => {
    const outcome = await collected(`
      const before = memory().arenaBytes;
      const huge = compile((x) => matmul(x.broadcastTo([2 ** 20, 2 ** 20]).add(x), x.reshape([2 ** 20, 1])));
      const x = tensor(new Float32Array(2 ** 20));
      for (const failing of [() => huge(x), () => full([2 ** 40], 1).add(1).data(), () => full([2 ** 25, 2 ** 25], 1).add(1).data()])
        await failing().catch(({ code, message }) => console.log(code, message));
      console.log(memory().arenaBytes === before, memory().programs);
      console.log(await tensor([1]).add(1).item());`);
    expect(outcome).toMatchObject(clean);
    const plan =
      /^ERR_JEPA_OUT_OF_MEMORY \[program\] expected to fit into memory, got a plan of \d{7} MB temporaries, \d+ MB kept between runs, \d+ MB workspace and \d+ MB inputs and outputs; available are \d+ MB$/;
    const lines = outcome.stdout.trim().split('\n');
    expect(lines[0]).toMatch(plan);
    expect(lines[1]).toMatch(/^ERR_JEPA_OUT_OF_MEMORY \[program\] expected to fit into memory, got a plan of/);
    expect(lines[2]).toBe(
      `ERR_JEPA_OUT_OF_MEMORY [compile] expected tensors that fit into memory, got one of ${2 ** 50} elements of float32`,
    );
    expect(lines.slice(3)).toEqual(['true 0', '2']);
  });
});
