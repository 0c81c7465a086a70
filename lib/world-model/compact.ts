import type { HostTensor } from '../io/safetensors.js';

/** Weights in a file: as they are, or a quarter of that. */
export const weightFormats = ['float32', 'int8'] as const;
export type WeightFormat = (typeof weightFormats)[number];

/** Ends the name of the scales of a tensor in int8; no parameter's name has a space. */
const scalesOf = ' scale';
/** Numbers −127 … 127 are kept as bytes from 1. */
const zero = 128;

/**
 * Float32 tensors of two axes and more as bytes: w ≈ (byte − 128) · scale, one scale for each index of the first axis, which is that of a
 * layer's outputs; 127 stands for the largest magnitude there. Vectors, such as biases and statistics, stay as they are: they are small.
 */
export function compacted(state: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  return new Map(
    [...state].flatMap(([name, tensor]): [string, HostTensor][] => {
      const { shape, data } = tensor;
      if (!(data instanceof Float32Array) || shape.length < 2 || data.length === 0) return [[name, tensor]];
      const width = data.length / shape[0];
      const scale = new Float32Array(shape[0]);
      const bytes = new Uint8Array(data.length);
      for (let row = 0; row < shape[0]; row++) {
        const values = data.subarray(row * width, (row + 1) * width);
        scale[row] = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0) / 127;
        bytes.set(
          values.map((value) => zero + Math.round(value / (scale[row] || 1))),
          row * width,
        );
      }
      return [
        [name, { dtype: 'uint8', shape, data: bytes }],
        [name + scalesOf, { dtype: 'float32', shape: [shape[0]], data: scale }],
      ];
    }),
  );
}

/** The tensors that {@link compacted} was given, rounded; others as they are. */
export function expanded(state: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  return new Map(
    [...state]
      .filter(([name]) => !name.endsWith(scalesOf))
      .map(([name, tensor]): [string, HostTensor] => {
        const scale = state.get(name + scalesOf);
        if (!scale || scale.data.length !== tensor.shape[0]) return [name, tensor];
        const { shape, data } = tensor;
        const width = data.length / shape[0];
        return [
          name,
          {
            dtype: 'float32',
            shape,
            data: Float32Array.from(data, (byte, index) => (byte - zero) * scale.data[Math.floor(index / width)]),
          },
        ];
      }),
  );
}
