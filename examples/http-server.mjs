// A model in an HTTP server: POST a picture, get its embedding and the pictures seen before that are most like it.
//   node examples/http-server.mjs [model.jepa] [--quick]
//   curl --data-binary @picture.rgb localhost:3000/embed     64 × 64 × 3 bytes, row by row
// `jepa demo` leaves a trained model; without one the embeddings are those of random weights. --quick asks itself and ends.
import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { JepaError, Random, tensor, WorldModel } from 'jepa';

const [path] = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const world = path
  ? await WorldModel.load(path)
  : WorldModel.create('tiny', {
      observation: { kind: 'image', height: 64, width: 64, channels: 3 },
      action: { size: 2 },
      frameRate: 15,
    });
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
    const cosines = seen.map((other, index) => ({
      index,
      cosine: other.reduce((sum, value, i) => sum + value * embedding[i], 0),
    }));
    const nearest = cosines.sort((a, b) => b.cosine - a.cosine).slice(0, 3);
    answer(200, { index: seen.push(embedding) - 1, embedding: [...embedding], nearest });
  } catch (error) {
    if (gone.signal.aborted) return;
    console.error(error);
    answer(500, { error: error instanceof JepaError ? error.code : 'internal error' });
  }
});
const port = process.argv.includes('--quick') ? 0 : 3000;
await new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
console.log(`POST ${bytes} bytes to http://127.0.0.1:${server.address().port}/embed`);

if (process.argv.includes('--quick')) {
  const post = async (body) => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/embed`, { method: 'POST', body });
    return [response.status, await response.json()];
  };
  const random = new Random(0, 'pictures');
  const picture = Uint8Array.from({ length: bytes }, () => random.below(256));
  const inverted = picture.map((value) => 255 - value);
  const darker = picture.map((value) => Math.max(0, value - 3));
  for (const [name, body] of Object.entries({
    picture,
    inverted,
    darker,
    'half a picture': picture.subarray(bytes / 2),
  })) {
    const [status, { index, nearest, error }] = await post(body);
    const found =
      nearest?.map((other) => `${other.index} (cosine ${other.cosine.toFixed(4)})`).join(', ') || 'none yet';
    console.log(`${status} ${name}: ${error ?? `number ${index}, nearest: ${found}`}`);
  }
  server.close();
  world.dispose();
}
