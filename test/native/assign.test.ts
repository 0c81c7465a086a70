// Assignments of variables to variables: each takes what the other held when the program began.
import { expect, test } from 'vitest';
import { add, reshape, transpose } from '#lib/ops/index.js';
import { assign, compile, type Passes, type Tensor, tensor, type Variable, variable } from '#lib/tensor/index.js';

const pair = (): [Variable, Variable] => [
  variable(new Float32Array([1, 2, 3, 4]), { shape: [2, 2] }),
  variable(new Float32Array([5, 6, 7, 8]), { shape: [2, 2] }),
];

async function after(update: (a: Variable, b: Variable) => void, passes: Partial<Passes>): Promise<number[][]> {
  const [a, b] = pair();
  await compile(() => update(a, b), { name: 'update', passes })();
  return [[...(await a.read())], [...(await b.read())]].map((values) => values.map(Number));
}

for (const inPlace of [true, false]) {
  const passes = { inPlace };
  test(`two variables are swapped (inPlace ${inPlace})`, async () => {
    const swap = (a: Variable, b: Variable): void => {
      assign(a, b);
      assign(b, a);
    };
    expect(await after(swap, passes)).toEqual([
      [5, 6, 7, 8],
      [1, 2, 3, 4],
    ]);
  });

  test(`the old value goes to another variable (inPlace ${inPlace})`, async () => {
    const shift = (a: Variable, b: Variable): void => {
      assign(a, add(a, 10));
      assign(b, a);
    };
    expect(await after(shift, passes)).toEqual([
      [11, 12, 13, 14],
      [1, 2, 3, 4],
    ]);
  });

  test(`a view of itself or of the other one (inPlace ${inPlace})`, async () => {
    const turn = (a: Variable, b: Variable): void => {
      assign(a, transpose(a));
      assign(b, reshape(transpose(a), [2, 2]));
    };
    expect(await after(turn, passes)).toEqual([
      [1, 3, 2, 4],
      [1, 3, 2, 4],
    ]);
  });

  test(`itself (inPlace ${inPlace})`, async () => {
    expect(await after((a) => assign(a, a), passes)).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7, 8],
    ]);
  });
}

test('an output is the old value although the variable is updated', async () => {
  const [a] = pair();
  const step = compile((x: Tensor) => {
    assign(a, add(a, x));
    return { before: a };
  });
  const { before } = await step(tensor([10]));
  expect([...(await before.data())]).toEqual([1, 2, 3, 4]);
  expect([...(await a.read())]).toEqual([11, 12, 13, 14]);
});
