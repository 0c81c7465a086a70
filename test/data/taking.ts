/** The first samples of a dataset. */
export async function take<T>(dataset: AsyncIterable<T>, count = Number.POSITIVE_INFINITY): Promise<T[]> {
  const taken: T[] = [];
  for await (const sample of dataset) {
    taken.push(sample);
    if (taken.length === count) break;
  }
  return taken;
}
