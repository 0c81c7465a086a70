// Will it fall? The model of the package has only watched videos. It sees four frames of a disc in the air and imagines the rest. Which of
// two endings is nearer to what it imagined: the one where the disc falls, or the one where it stays where it is?
//   node examples/will-it-fall.mjs [--quick]     needs @dimforge/rapier2d-deterministic-compat, the engine of the videos
import { physics, slice, WorldModel } from 'jepa';

const world = await WorldModel.pretrained('physics');

// Twins: equal up to frame 4, then gravity acts on one of them only. No model has seen clips of the split 'test'.
const count = process.argv.includes('--quick') ? 24 : 200;
const question = { violation: 'floating', split: 'test', seed: 7, count };
const { possible, impossible, visible } = await physics.violationPairs(question);
const [observations, actions] = world.tensors(possible);
const imagined = await (await world.rollout(observations, actions, { context: 4 })).embeddings.data(); // [clips, 12, D]
const endings = async (clips) => (await slice(await world.encode(world.tensors(clips)[0]), 1, 4, 16)).data(); // [clips, 12, D]
const [falling, floating] = [await endings(possible), await endings(impossible)];

const size = 12 * world.config.embeddingSize;
const distance = (clip, ending) => {
  let squares = 0;
  for (let i = clip * size; i < (clip + 1) * size; i++) squares += (imagined[i] - ending[i]) ** 2;
  return Math.sqrt(squares / 12);
};

let [asked, right] = [0, 0];
for (let clip = 0; clip < count; clip++) {
  if (!visible[clip]) continue; // a disc that lies on something floats and falls alike
  const [fall, float] = [distance(clip, falling), distance(clip, floating)];
  asked++;
  if (fall < float) right++;
  if (asked === 1) console.log(`${picture(possible, 3)}\n`);
  if (asked > 6) continue;
  const height = possible.states[(clip * 16 + 3) * physics.stateSize + 1].toFixed(1);
  const answer = fall < float ? 'it will fall' : 'it will float';
  console.log(
    `a disc ${height} m up: ${answer.padEnd(14)} (${fall.toFixed(2)} from falling, ${float.toFixed(2)} from floating)`,
  );
}
console.log(`\nright about ${right} of ${asked} discs`);

/** Frame `t` of the first clip in characters, dark to light. */
function picture({ observations: pixels }, t) {
  const at = (x, y) => ((t * 64 + y + 2) * 64 + x + 1) * 3;
  const sign = (x, y) =>
    '@%#*+=-:. '[Math.floor((pixels[at(x, y)] + pixels[at(x, y) + 1] + pixels[at(x, y) + 2]) / 76.6)];
  const row = (y) => Array.from({ length: 32 }, (_, column) => sign(2 * column, y)).join('');
  return Array.from({ length: 16 }, (_, index) => row(4 * index)).join('\n');
}
