import fc from 'fast-check';
import type { DType } from '#lib/io/dtypes.js';
import { dtypes, hostArrays } from '#lib/io/dtypes.js';
import type { HostTensor } from '#lib/io/host-tensor.js';

/** Any host tensor: each dtype, up to four axes, empty and scalar ones too, any bits (0 and 1 for bool). */
export const host: fc.Arbitrary<HostTensor> = fc
  .record({
    dtype: fc.constantFrom<DType>(...dtypes),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
    seed: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  })
  .map(({ dtype, shape, seed }) => {
    const elements = shape.reduce((product, extent) => product * extent, 1);
    const bytes = new Uint8Array(elements * hostArrays[dtype].BYTES_PER_ELEMENT);
    for (let i = 0; i < bytes.length; i++) bytes[i] = dtype === 'bool' ? seed[i % 16] & 1 : seed[i % 16] ^ i;
    return { dtype, shape, data: new hostArrays[dtype](bytes.buffer) };
  });

/** Names that a format might take for something else. */
export const anyName = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('__proto__', 'constructor', 'a.b.0.weight', '0', '', '../up', 'a.npy', 'ü/nested'),
);
