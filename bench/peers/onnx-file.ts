// Writes ONNX graphs: the few messages of onnx.proto3 that a network of constants, nodes, inputs and outputs needs.

export type Attribute = number | string | readonly number[] | { readonly float: number };
/** Extents; a name is a free one. */
export type Extents = readonly (number | string)[];

/** A base-128 number, low bits first. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

/** Wire types: 0 varint, 2 bytes with their length, 5 four bytes. */
const key = (field: number, wire: number): Buffer => varint((field << 3) | wire);
const integer = (field: number, value: number): Buffer => Buffer.concat([key(field, 0), varint(value)]);

function bytes(field: number, value: string | Buffer | readonly Buffer[]): Buffer {
  const content =
    typeof value === 'string' ? Buffer.from(value) : Buffer.isBuffer(value) ? value : Buffer.concat([...value]);
  return Buffer.concat([key(field, 2), varint(content.length), content]);
}

function float(field: number, value: number): Buffer {
  const content = Buffer.alloc(4);
  content.writeFloatLE(value);
  return Buffer.concat([key(field, 5), content]);
}

/** AttributeProto: name 1, f 2, i 3, s 4, ints 8, type 20 (1 float, 2 int, 3 string, 7 ints). */
function attribute(name: string, value: Attribute): Buffer {
  const [content, type] =
    typeof value === 'number'
      ? [[integer(3, value)], 2]
      : typeof value === 'string'
        ? [[bytes(4, value)], 3]
        : 'float' in value
          ? [[float(2, value.float)], 1]
          : [value.map((one) => integer(8, one)), 7];
  return bytes(5, [bytes(1, name), ...content, integer(20, type)]);
}

/** ValueInfoProto of a float32 tensor: TypeProto 2 { tensor_type 1 { elem_type 1, shape 2 { dim 1 { value 1 | param 2 } } } }. */
function valueInfo(field: number, name: string, extents: Extents): Buffer {
  const shape = extents.map((extent) => bytes(1, typeof extent === 'number' ? integer(1, extent) : bytes(2, extent)));
  return bytes(field, [bytes(1, name), bytes(2, bytes(1, [integer(1, 1), bytes(2, shape)]))]);
}

/** A graph in the making; values are names. */
export class OnnxGraph {
  readonly #nodes: Buffer[] = [];
  readonly #constants: Buffer[] = [];
  #count = 0;

  /** TensorProto: dims 1, data_type 2 (1 float32, 7 int64), name 8, raw_data 9. */
  constant(data: Float32Array | BigInt64Array, shape: readonly number[]): string {
    const name = `c${this.#count++}`;
    const raw = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const type = data instanceof Float32Array ? 1 : 7;
    this.#constants.push(
      bytes(5, [...shape.map((extent) => integer(1, extent)), integer(2, type), bytes(8, name), bytes(9, raw)]),
    );
    return name;
  }

  integers(...values: number[]): string {
    return this.constant(BigInt64Array.from(values.map(BigInt)), [values.length]);
  }

  /** NodeProto: input 1, output 2, name 3, op_type 4, attribute 5, domain 7. @returns its outputs */
  nodes(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>>,
    outputs: number | readonly string[],
    domain = '',
  ): string[] {
    const names =
      typeof outputs === 'number' ? Array.from({ length: outputs }, () => `v${this.#count++}`) : [...outputs];
    this.#nodes.push(
      bytes(1, [
        ...inputs.map((input) => bytes(1, input)),
        ...names.map((name) => bytes(2, name)),
        bytes(3, `n${this.#count++}`),
        bytes(4, op),
        ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
        bytes(7, domain),
      ]),
    );
    return names;
  }

  node(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    domain?: string,
  ): string {
    return this.nodes(op, inputs, attributes, 1, domain)[0];
  }

  /** ModelProto: ir_version 1, graph 7 { node 1, name 2, initializer 5, input 11, output 12 }, opset_import 8 { domain 1, version 2 }. */
  model(
    inputs: Readonly<Record<string, Extents>>,
    outputs: Readonly<Record<string, Extents>>,
    opsets: Readonly<Record<string, number>>,
  ): Buffer {
    const graph = [
      ...this.#nodes,
      bytes(2, 'network'),
      ...this.#constants,
      ...Object.entries(inputs).map(([name, extents]) => valueInfo(11, name, extents)),
      ...Object.entries(outputs).map(([name, extents]) => valueInfo(12, name, extents)),
    ];
    const imports = Object.entries(opsets).map(([domain, version]) =>
      bytes(8, [bytes(1, domain), integer(2, version)]),
    );
    return Buffer.concat([integer(1, 9), bytes(7, graph), ...imports]);
  }
}
