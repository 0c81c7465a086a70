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

export const stream = () => (async function* () {})();

export const corrupt = () =>
  fromIndex((index) => {
    throw Object.assign(new Error(`no sample ${index}`), { code: 'ERR_JEPA_CORRUPT_SAMPLE' });
  });

export const pushes = async ({ path }) => clips(await hdf5Episodes(path), { frames: 2 });
