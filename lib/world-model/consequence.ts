import { openLoop, type Predictor, type Rollout } from '../models/predictor.js';
import { crossEntropy } from '../nn/losses/index.js';
import {
  broadcastTo,
  concat,
  div,
  greaterEqual,
  mean,
  neg,
  permute,
  reshape,
  slice,
  square,
  sub,
  tile,
  where,
} from '../ops/index.js';
import { stopGradient, type Tensor, tensor } from '../tensor/index.js';

/** Mean squared difference of standardised actions below which two plans are one, so that neither can be told by what came of it. */
const leastDifference = 0.01;

/** Logit of an alternative that is none: its probability is 0 in float32. */
const never = -1e9;

/**
 * Contrastive consequence loss: which plan led to what was seen? Each clip's own actions stand against those of `alternatives` others, which
 * lie evenly spread over the batch. From the same frames all of them are imagined to the end; InfoNCE (van den Oord et al. 2018) with logits
 * −mean squared distance to the true future / τ, mean over clips and frames. Regression on logged actions alone does not ask that other actions
 * lead elsewhere. Contexts and futures are detached: only the predictor learns.
 * @param known teacher-forced pass   @param actions [B, T, A] standardised   @param future [B, T − c, D] what was seen
 * @param options.first frame from which futures are compared, c or later   @param options.alternatives at most B − 1 are taken
 */
export function consequence(
  predictor: Predictor,
  known: Rollout,
  actions: Tensor,
  future: Tensor,
  options: {
    readonly context: number;
    readonly first: number;
    readonly alternatives: number;
    readonly temperature: number;
  },
): Tensor {
  const { context, first, temperature } = options;
  const [clips, frames] = actions.shape;
  const [, steps] = future.shape;
  const plans = Math.min(options.alternatives, clips - 1) + 1;
  const start = (x: Tensor): Tensor => tile(stopGradient(slice(x, 1, context - 1, context)), [plans, 1, 1]);
  const own = slice(actions, 1, context - 1, frames); // the first of them has led to the first expected frame, in all plans alike
  const others = Array.from({ length: plans - 1 }, (_, k) => {
    const shift = Math.max(1, Math.round(((k + 1) * clips) / plans));
    const rolled = concat([slice(own, 0, shift, clips), slice(own, 0, 0, shift)], 0);
    return concat([slice(own, 1, 0, 1), slice(rolled, 1, 1, steps + 1)], 1);
  });
  const imagined = openLoop(
    predictor,
    { states: start(known.states), inputs: start(known.inputs), embeddings: start(known.embeddings) },
    concat([own, ...others], 0),
    1,
  );
  const differs = [own, ...others].map((plan) =>
    greaterEqual(mean(square(sub(plan, own)), { axes: [1, 2] }), leastDifference),
  );
  const compared = steps - (first - context);
  const distances = mean(square(sub(imagined.embeddings, tile(stopGradient(future), [plans, 1, 1]))), { axes: [2] });
  const logits = div(neg(reshape(slice(distances, 1, first - context, steps), [plans, clips, compared])), temperature);
  const scores = concat(
    differs.map((differ, k) => {
      const scored = slice(logits, 0, k, k + 1); // [1, B, F]
      return k === 0 ? scored : where(broadcastTo(reshape(differ, [1, clips, 1]), scored.shape), scored, never);
    }),
    0,
  );
  return crossEntropy(
    reshape(permute(scores, [1, 2, 0]), [clips * compared, plans]),
    tensor(new Int32Array(clips * compared)),
  );
}
