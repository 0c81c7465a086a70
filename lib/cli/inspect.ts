import { readSafetensors } from '../io/safetensors.js';
import type { Command } from './main.js';
import { table } from './table.js';

export const command: Command = {
  spec: {
    name: 'inspect',
    positionals: ['FILE'],
    summary: 'what a model, checkpoint or safetensors file holds',
    options: { json: { type: 'boolean', help: 'print JSON on stdout' } },
  },
  async run(parsed) {
    const { metadata, listing } = await readSafetensors(parsed.positionals[0]);
    const tensors = [...listing].map(([name, { dtype, shape }]) => ({
      name,
      dtype,
      shape,
      elements: shape.reduce((product, extent) => product * extent, 1),
    }));
    const total = tensors.reduce((sum, { elements }) => sum + elements, 0);
    if (parsed.flag('json')) {
      console.log(
        JSON.stringify(
          {
            metadata: Object.fromEntries(Object.entries(metadata).map(([key, value]) => [key, parsedJson(value)])),
            tensors,
            elements: total,
          },
          null,
          2,
        ),
      );
      return 0;
    }
    for (const [key, value] of Object.entries(metadata)) console.log(`${key}: ${value}`);
    console.log(
      table([
        ['tensor', 'dtype', 'shape', 'elements'],
        ...tensors.map(({ name, dtype, shape, elements }) => [name, dtype, `[${shape.join(', ')}]`, String(elements)]),
      ]),
    );
    console.log(`${tensors.length} tensors, ${total} elements`);
    return 0;
  },
};

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
