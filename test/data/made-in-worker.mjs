import { batch, clips, fromIndex, hdf5Episodes, repeat, shuffle } from 'jepa';

export const numbers = ({ count }) =>
  batch(
    shuffle(
      fromIndex((value) => ({ value }), { count }),
      { seed: 3 },
    ),
    4,
  );

export const endless = async () => repeat(numbers({ count: 10 }));

/** Two passes over samples that the dataset keeps: arrays of their own, and rows of one table. */
export const kept = () => repeat([{ x: Float32Array.of(1, 2) }, { x: Float32Array.of(3, 4) }], 2);

export const rows = () => {
  const table = Float32Array.from({ length: 3000 }, (_, index) => index);
  const row = (index) => table.subarray(3 * index, 3 * index + 3);
  return repeat(
    [
      { pair: [row(0), row(999)], bytes: new DataView(table.buffer, 20, 4), none: new Float32Array(0) },
      { pair: [row(1), row(1)], same: table.subarray(4, 8), buffer: Buffer.from(table.buffer, 12, 4) },
    ],
    2,
  );
};

export const stream = () => (async function* () {})();

export const corrupt = () =>
  fromIndex((index) => {
    throw Object.assign(new Error(`no sample ${index}`), { code: 'ERR_JEPA_CORRUPT_SAMPLE' });
  });

export const nothingThrown = () =>
  fromIndex(() => {
    throw null; // what any library may do
  });

export const pushes = async ({ path }) => clips(await hdf5Episodes(path), { frames: 2 });
