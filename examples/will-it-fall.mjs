// Will it fall? A model that has only watched videos sees four frames of a disc in the air and imagines the rest. Which of two
// endings is nearer to what it imagined: the one where the disc falls, or the one where it stays where it is?
//   node examples/will-it-fall.mjs [--quick]     needs @dimforge/rapier2d-deterministic-compat, the engine of the videos
import { physics, slice, Trainer, WorldModel, WorldModelTraining } from 'jepa';

const quick = process.argv.includes('--quick');
const world = WorldModel.create('tiny', {
  observation: { kind: 'image', height: 64, width: 64, channels: 3 },
  action: { size: 2, names: ['force x', 'force y'], units: ['N', 'N'] },
  frameRate: physics.frameRate,
});
const training = new WorldModelTraining(world);
const trainer = new Trainer(training, { steps: quick ? 20 : 400, healthEvery: 0 });
for await (const event of trainer.run(new physics.PhysicsDataset({ seed: 1, clips: quick ? 8 : 16 })))
  if (event.type === 'step') process.stderr.write(`\rwatching videos: step ${event.step} of ${event.steps}`);
process.stderr.write('\n');
await training.finish([await physics.physicsTrainingBatch({ seed: 1, clips: 64 }, 0)]);

// Twins: equal up to frame 4, then gravity acts on one of them only. No model has seen clips of the split 'test'.
const question = { violation: 'floating', split: 'test', seed: 7, count: 24 };
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
for (let clip = 0; clip < question.count; clip++) {
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
console.log(`\nright about ${right} of ${asked} discs, after ${trainer.step} steps`);

/** Frame `t` of the first clip in characters, dark to light. */
function picture({ observations: pixels }, t) {
  const rows = [];
  for (let y = 0; y < 64; y += 4) {
    let row = '';
    for (let x = 0; x < 64; x += 2) {
      const at = ((t * 64 + y + 2) * 64 + x + 1) * 3;
      row += '@%#*+=-:. '[Math.floor((pixels[at] + pixels[at + 1] + pixels[at + 2]) / 76.6)];
    }
    rows.push(row);
  }
  return rows.join('\n');
}
