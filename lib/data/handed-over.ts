type Memory = ArrayBufferView | ArrayBuffer;

interface Place {
  readonly view: Memory;
  /** First byte in its buffer, rounded down so that a copy from there on suits every type of numbers. */
  readonly start: number;
  readonly end: number;
}

/**
 * A batch whose arrays are copies, to be transferred to another thread. Its maker may need the originals again: rows of a table, samples of
 * an array. Arrays that overlap do so in the copy; what lies between others in their buffer is left out. Shared memory stays shared.
 */
export function handedOver(batch: unknown): { readonly batch: unknown; readonly memory: ArrayBuffer[] } {
  const places = new Map<ArrayBuffer, Place[]>();
  const plain = rebuilt(batch, (view) => {
    const [buffer, offset] = view instanceof ArrayBuffer ? [view, 0] : [view.buffer, view.byteOffset];
    if (!(buffer instanceof ArrayBuffer)) return view;
    const list = places.get(buffer) ?? [];
    places.set(buffer, list);
    list.push({ view, start: offset - (offset % 8), end: offset + view.byteLength });
    return view;
  });
  const memory: ArrayBuffer[] = [];
  const copies = new Map<Memory, Memory>();
  for (const [buffer, list] of places) {
    list.sort((a, b) => a.start - b.start);
    for (let from = 0, to = 1; from < list.length; from = to++) {
      const { start } = list[from];
      let { end } = list[from];
      for (; to < list.length && list[to].start < end; to++) end = Math.max(end, list[to].end);
      const copy = buffer.slice(start, end);
      memory.push(copy);
      for (const { view } of list.slice(from, to)) copies.set(view, viewLike(view, copy, start));
    }
  }
  return { batch: rebuilt(plain, (view) => copies.get(view) ?? view), memory };
}

/** The same view of a copy of its buffer that begins at byte `start`. */
function viewLike(view: Memory, copy: ArrayBuffer, start: number): Memory {
  if (view instanceof ArrayBuffer) return copy;
  const offset = view.byteOffset - start;
  if (view instanceof DataView) return new DataView(copy, offset, view.byteLength);
  if (view instanceof Uint8Array) return new Uint8Array(copy, offset, view.length); // a Buffer too, which arrives as one
  const Kind = view.constructor as Float32ArrayConstructor;
  return new Kind(copy, offset, (view as Float32Array).length);
}

/** Arrays and objects made anew with other memory; everything else, such as a Map, is left to `postMessage`. */
function rebuilt(value: unknown, memoryFor: (view: Memory) => Memory, made = new Map<object, unknown>()): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (made.has(value)) return made.get(value);
  const keep = <T>(copy: T): T => {
    made.set(value, copy);
    return copy;
  };
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return keep(memoryFor(value));
  if (Array.isArray(value)) {
    const list: unknown[] = keep([]);
    for (const member of value) list.push(rebuilt(member, memoryFor, made));
    return list;
  }
  if (Object.prototype.toString.call(value) !== '[object Object]') return value;
  const record = keep(Object.create(null) as Record<string, unknown>);
  for (const [name, member] of Object.entries(value)) record[name] = rebuilt(member, memoryFor, made);
  return record;
}
