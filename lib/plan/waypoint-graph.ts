import { JepaError } from '../errors.js';
import { gatheredRows } from '../io/joined.js';
import { checkOptions, withDefaults } from '../io/options.js';
import { type Tensor, tensor } from '../tensor/index.js';
import { Random } from '../worlds/random.js';
import type { StepDistance, Waypoints } from './contract.js';
import { expectPositive, expectWhole, refuse } from './settings.js';

export interface WaypointGraphOptions {
  /** Embeddings that are kept, drawn from those given (default 300). */
  readonly count?: number;
  /** Steps of the longest edge (default 1.5): short ones only, since a distance is learnt best between neighbours. */
  readonly longestEdge?: number;
  /** Steps from the present position to the waypoint that is given, at most (default 3): a search with that horizon should arrive there. */
  readonly reach?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

const name = 'WaypointGraph';
const defaults = { count: 300, longestEdge: 1.5, reach: 3, seed: 0 };

/** The way to a goal from every node. */
interface Route {
  /** [K] steps still to go; infinite where no way is known. */
  readonly toGo: Float64Array;
  /** [K] the next node; −1 where it is the goal. */
  readonly next: Int32Array;
}

/**
 * Where to go first on a way that is longer than a plan: a graph over embeddings of frames seen before, whose edges are short by a learned
 * distance. The shortest path to the goal is searched (Dijkstra), and the farthest node on it within reach is what the planner plans to
 * (search on the replay buffer, Eysenbach et al. 2019).
 * @example
 * const distance = await trainTemporalDistance(world, clipBatches(episodes, { frames: 16, seed: 1 }));
 * const waypoints = await WaypointGraph.build(distance, await world.encode(frames));
 * const planner = new Planner(world, { waypoints, horizon: 5 });
 */
export class WaypointGraph implements Waypoints {
  /** [K, D] */
  readonly nodes: Tensor;
  readonly #distance: StepDistance;
  /** [K, K] steps from node to node; infinite where there is no edge. */
  readonly #edges: Float32Array;
  readonly #values: Float32Array;
  readonly #longestEdge: number;
  readonly #reach: number;
  readonly #routes = new WeakMap<Tensor, Route>();

  private constructor(
    distance: StepDistance,
    nodes: Tensor,
    values: Float32Array,
    edges: Float32Array,
    { longestEdge, reach }: typeof defaults,
  ) {
    this.#distance = distance;
    this.nodes = nodes;
    this.#values = values;
    this.#edges = edges.map((steps) => (steps <= longestEdge ? steps : Number.POSITIVE_INFINITY));
    this.#longestEdge = longestEdge;
    this.#reach = reach;
  }

  /**
   * @param distance such as a {@link TemporalDistance}   @param embeddings [N, D], or [B, T, D] as `world.encode` gives them
   * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_UNKNOWN_OPTION, ERR_JEPA_ABORTED
   */
  static async build(
    distance: StepDistance,
    embeddings: Tensor,
    options: WaypointGraphOptions = {},
  ): Promise<WaypointGraph> {
    checkOptions(name, options, [...Object.keys(defaults), 'signal']);
    const { signal, ...given } = options;
    const settings = withDefaults(defaults, given);
    const { count, longestEdge, reach, seed } = settings;
    expectWhole(name, { count });
    expectPositive(name, { longestEdge, reach });
    if (!Number.isSafeInteger(seed)) refuse(name, 'seed to be an integer', seed);
    const { shape } = embeddings;
    if (shape.length < 2 || embeddings.size === 0)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[${name}] expected embeddings [N, D] or [B, T, D], got [${shape.join(', ')}]`,
      );
    const width = shape[shape.length - 1];
    const all = (await embeddings.data()) as Float32Array;
    const chosen = drawn(all.length / width, count, new Random(seed, 'waypoints'));
    const values = gatheredRows(all, width, chosen);
    const nodes = tensor(values, { shape: [chosen.length, width] });
    return new WaypointGraph(distance, nodes, values, await distance.steps(nodes, nodes, { signal }), settings);
  }

  /**
   * What to plan to: the goal itself if it is within reach or if no way to it is known.
   * @param position [1, D]   @param goal [1, D]; ways to the same tensor are searched once   @returns [1, D]
   * @throws JepaError as the distance does
   */
  async next(position: Tensor, goal: Tensor, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Tensor> {
    const [direct] = await this.#distance.steps(position, goal, { signal });
    if (direct <= this.#reach) return goal;
    let route = this.#routes.get(goal);
    if (!route) {
      route = this.#routeTo(await this.#distance.steps(this.nodes, goal, { signal }));
      this.#routes.set(goal, route);
    }
    const { toGo, next } = route;
    const away = await this.#distance.steps(position, this.nodes, { signal });
    let node = -1;
    for (let i = 0; i < away.length; i++)
      if (away[i] <= this.#reach && away[i] + toGo[i] < (node < 0 ? Infinity : away[node] + toGo[node])) node = i;
    if (node < 0) return goal;
    while (next[node] >= 0 && away[next[node]] <= this.#reach) node = next[node];
    const width = this.nodes.shape[1];
    return tensor(this.#values.slice(node * width, (node + 1) * width), { shape: [1, width] });
  }

  /** Dijkstra's algorithm from the goal backwards; the graph is dense, so the nearest node is looked for in a list. */
  #routeTo(last: Float32Array): Route {
    const count = last.length;
    const toGo = Float64Array.from(last, (steps) => (steps <= this.#longestEdge ? steps : Infinity));
    const next = new Int32Array(count).fill(-1);
    const done = new Uint8Array(count);
    for (;;) {
      let nearest = -1;
      for (let i = 0; i < count; i++) if (!done[i] && toGo[i] < (nearest < 0 ? Infinity : toGo[nearest])) nearest = i;
      if (nearest < 0) return { toGo, next };
      done[nearest] = 1;
      for (let i = 0; i < count; i++) {
        const steps = this.#edges[i * count + nearest] + toGo[nearest];
        if (steps >= toGo[i]) continue;
        toGo[i] = steps;
        next[i] = nearest;
      }
    }
  }
}

/** Some of so many rows, without replacement; all of them if there are no more. */
function drawn(rows: number, count: number, random: Random): number[] {
  const order = Array.from({ length: rows }, (_, row) => row);
  for (let i = 0; i < Math.min(count, rows); i++) {
    const other = i + random.below(rows - i);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order.slice(0, count);
}
