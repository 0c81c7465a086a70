// A model in an HTTP server: POST a picture, get its embedding and the pictures seen before that are most like it.
//   node examples/http-server.mjs [model.jepa] [--quick]
//   curl --data-binary @picture.rgb localhost:3000/embed     64 × 64 × 3 bytes, row by row
// Without a model it is that of the package, which watched discs. --quick asks itself and ends.
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { JepaError, Random, tensor, WorldModel } from 'jepa';

const [path] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const world = path ? await WorldModel.load(path) : await WorldModel.pretrained('physics');
const { height, width, channels } = world.config.observation;
const bytes = height * width * channels;

const seen = []; // embeddings of length 1, so that a product is a cosine
async function embed(pixels, signal) {
  const picture = tensor(new Uint8Array(pixels), { shape: [1, 1, height, width, channels] }); // one clip of one frame
  const embedding = await (await world.encode(picture, { signal })).data();
  const length = Math.hypot(...embedding);
  return embedding.map((value) => value / length);
}

/** Encoding runs on native threads: while it does, the server goes on answering. */
const server = createServer(async (request, response) => {
  const gone = new AbortController();
  response.once('close', () => gone.abort()); // nobody waits for the answer any more
  const answer = (status, value) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  if (request.method !== 'POST' || request.url !== '/embed') return answer(404, { error: 'POST /embed' });
  if (Number(request.headers['content-length']) !== bytes) return answer(400, { error: `expected ${bytes} bytes` });
  try {
    const embedding = await embed(await buffer(request), gone.signal);
    const cosine = (other) => other.reduce((sum, value, i) => sum + value * embedding[i], 0);
    const cosines = seen.map((other, index) => ({ index, cosine: cosine(other) }));
    const nearest = cosines.sort((a, b) => b.cosine - a.cosine).slice(0, 3);
    answer(200, { index: seen.push(embedding) - 1, embedding: [...embedding], nearest });
  } catch (error) {
    if (gone.signal.aborted) return;
    console.error(error);
    answer(500, { error: error instanceof JepaError ? error.code : 'internal error' });
  }
});
const quick = process.argv.includes('--quick');
await new Promise((resolve) => server.listen(quick ? 0 : 3000, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}/embed`;
console.log(`POST ${bytes} bytes to ${url}`);

if (quick) {
  const random = new Random(0, 'pictures');
  const picture = Uint8Array.from({ length: bytes }, () => random.below(256));
  const [inverted, darker] = [picture.map((value) => 255 - value), picture.map((value) => Math.max(0, value - 3))];
  for (const [name, body] of Object.entries({ picture, inverted, darker, half: picture.subarray(bytes / 2) })) {
    const response = await fetch(url, { method: 'POST', body });
    const { error, index, nearest } = await response.json();
    const found = nearest?.map((other) => `${other.index} (cosine ${other.cosine.toFixed(4)})`).join(', ');
    console.log(`${response.status} ${name}: ${error ?? `number ${index}, nearest: ${found || 'none yet'}`}`);
  }
  server.close();
}
