import { WorldModel } from '#lib/index.js';
import { physicsClips, violationPairs } from '#lib/worlds/physics/evaluation.js';
import { embed, embedTrainingClips } from '#lib/eval/embedded.js';
import { evaluateProbes } from '#lib/eval/probes.js';
import { evaluateRollouts } from '#lib/eval/rollouts.js';
import { evaluateCounterfactuals } from '#lib/eval/counterfactual.js';
import { pairedShare } from '#lib/eval/statistics.js';
const [path, seedT, split = 'validation', what = 'cvpr', scaleT = '1'] = process.argv.slice(2);
const seed = +seedT, scale = +scaleT;
const model = await WorldModel.load(path);
const say = (...a) => console.log(...a);
if (what.includes('c')) say('cf', JSON.stringify(await evaluateCounterfactuals(model, { split, seed, count: 300 })));
if (what.includes('p')) {
  const train = await embedTrainingClips(model, seed, 1500);
  const test = await embed(model, await physicsClips({ split, seed, count: 600 }));
  const { results, readPositions } = await evaluateProbes(model, train, test, { seed });
  say('probes', JSON.stringify(results));
  const id = await evaluateRollouts(model, test, readPositions);
  say('rollout', JSON.stringify(id.results.k8));
  for (const ranges of ['fast', 'large']) {
    const ood = await embed(model, await physicsClips({ split, seed, count: 300, ranges }));
    const r = await evaluateRollouts(model, ood, readPositions);
    const places = await readPositions(await ood.embeddings.data()); let e = 0, n = 0;
    for (let i = 0; i < ood.clips * ood.frames; i++) if (i % 16 === 11) { e += Math.hypot(places[2 * i] - ood.states[12 * i], places[2 * i + 1] - ood.states[12 * i + 1]); n++; }
    say(ranges, JSON.stringify(r.results.k8), 'ratio metres', (r.results.k8.metres / id.results.k8.metres).toFixed(3), 'latent', (r.results.k8.latentRatioToCopy / id.results.k8.latentRatioToCopy).toFixed(3), 'probe floor at k8', (e / n).toFixed(3));
  }
}
if (what.includes('v')) for (const v of ['colour-change', 'action-violation', 'permanence-occluded', 'solidity', 'inertia', 'floating', 'gravity-reversed', 'permanence-visible', 'continuity', 'size-change']) {
  const { possible, impossible, visible } = await violationPairs({ violation: v, split, seed, count: Math.round((v === 'colour-change' ? 600 : 200) * scale) });
  const sc = async (clips) => { const { embeddings, actions } = await embed(model, clips); return model.surpriseOf(embeddings, actions); };
  const [a, b] = [await sc(possible), await sc(impossible)];
  say(v, pairedShare(a.normalised, b.normalised, visible).accuracy.toFixed(1), 'raw', pairedShare(a.raw, b.raw, visible).accuracy.toFixed(1));
  if (v === 'colour-change' && what.length === 1) break;
}
