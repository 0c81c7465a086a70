import { allOf, mapEach, mapModalities, type PerModality } from '../data/modalities.js';
import { JepaError, shown } from '../errors.js';
import { Tensor, type TypedArray, tensor } from '../tensor/index.js';
import { checkRate, type Judgement, type SurpriseCalibration } from './calibration.js';
import { expectEvaluation, expectFinite } from './expect.js';
import { frameOf, type Observations } from './observations.js';
import { printedShortly } from './print.js';
import { emptyStream, horizonsAt, horizonsUpTo, type StreamProgram, type StreamState } from './stream.js';
import type { WorldModel } from './world-model.js';

export interface SessionOptions {
  /** What ordinary frames look like; without one nothing is judged. */
  readonly calibration?: SurpriseCalibration;
  /** Share of ordinary frames that may be called surprising (default .001); only together with a calibration. */
  readonly falseAlarmRate?: number;
}

export interface Observation extends Judgement {
  /** Frames observed, this one included. */
  readonly frame: number;
  /**
   * By horizon 1, 2, 4 …: squared errors of that expectation, each over the root of the one the model expected of itself, mean over dimensions;
   * shorter while there are few frames.
   */
  readonly errors: Float32Array;
  /** [D] what the frame looks like, and what had been expected one frame before. */
  readonly embedding: Float32Array;
  readonly expected?: Float32Array;
}

/** How far back expectations reach without a calibration. */
const defaultLookAhead = 8;

/**
 * One stream of frames, of one camera or robot, and what the model remembers of it. Every session has a memory of its own; a model
 * may have any number of them. Made by `world.session(options)`.
 *
 * Each frame is compared with what was expected of it 1, 2, 4 … frames before, in open loop: what only the last frame expects is blind
 * to hidden things, which are forgotten as soon as they are not where they should be.
 * @example
 * const session = await world.session({ calibration });
 * for await (const { frame, action } of robot) {
 *   const { verdict, pValue } = await session.observe(frame, action); // the action taken since the frame before
 *   if (verdict === 'surprising') stop();
 * }
 */
export class Session {
  readonly #world: WorldModel;
  readonly #advance: StreamProgram;
  readonly #options: SessionOptions & { readonly falseAlarmRate: number };
  readonly #horizons: readonly number[];
  #state: StreamState | undefined;
  #frames = 0;
  #last: Promise<unknown> = Promise.resolve();

  /** @param advance the model's program for one frame of a stream */
  constructor(world: WorldModel, advance: StreamProgram, { calibration, falseAlarmRate: asked }: SessionOptions) {
    const falseAlarmRate = asked ?? 1e-3;
    checkRate(falseAlarmRate, calibration);
    if (asked !== undefined && !calibration)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        `[session] expected a calibration together with falseAlarmRate ${shown(asked)}, got none: without one nothing is judged`,
        {
          help: [
            'measure what is ordinary: world.session({ calibration: await world.calibrate(dataset), falseAlarmRate })',
          ],
        },
      );
    this.#world = world;
    this.#advance = advance;
    this.#options = { calibration, falseAlarmRate };
    this.#horizons = calibration?.horizons ?? horizonsUpTo(defaultLookAhead);
  }

  /** Frames observed since the beginning or the last reset. */
  get frames(): number {
    return this.#frames;
  }

  /**
   * What a planner starts from: the predictor's memory of all frames but the last [1, H], and the embedding of the last [1, D].
   * @example const { actions } = await solver.solve({ state: session.state, goal, call: 0 });
   * @throws JepaError ERR_JEPA_INVALID_ARGUMENT before the first frame
   */
  get state(): { readonly memory: Tensor; readonly embedding: Tensor } {
    if (!this.#state)
      throw new JepaError('ERR_JEPA_INVALID_ARGUMENT', '[session] expected a frame to be observed first, got none');
    const { memory, embedding } = this.#state;
    return { memory, embedding };
  }

  /** Forgets everything: the camera was moved, or another episode begins. Observations under way are finished first. */
  async reset(): Promise<void> {
    await this.#last.catch(() => {});
    this.#state = undefined;
    this.#frames = 0;
  }

  /**
   * Takes one frame; several calls are taken in their order. Arrays are copied at the call.
   * @param frame [H, W, C] uint8 pixels, or [size] float32 readings; of several modalities each by name, `{ camera, joints }`
   * @param action [A] in the world's units, the one taken since the frame before; of the first frame there is none
   * @returns what the model makes of it. After an error the session is as before the frame
   * @throws JepaError ERR_JEPA_SHAPE, ERR_JEPA_NON_FINITE, ERR_JEPA_INVALID_ARGUMENT, ERR_JEPA_ABORTED
   */
  observe(
    frame: PerModality<Tensor | TypedArray>,
    action?: ArrayLike<number>,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): Promise<Observation> {
    // Its turn comes later, and cameras write their next frame into the same buffer. (A Buffer's slice would share it.)
    const seen = mapEach(frame, (given) => {
      if (given instanceof Uint8Array) return new Uint8Array(given);
      return given instanceof Float32Array ? new Float32Array(given) : given;
    });
    const taken = typeof action === 'object' ? Array.from(action) : action;
    const result = this.#last.catch(() => {}).then(() => this.#observe(seen, taken, signal));
    this.#last = result;
    return result;
  }

  async #observe(
    frame: PerModality<Tensor | TypedArray>,
    action: ArrayLike<number> | undefined,
    signal: AbortSignal | undefined,
  ): Promise<Observation> {
    const { network, config } = this.#world;
    expectEvaluation(network);
    const observation = await this.#oneFrame(frame);
    const lookAhead = this.#horizons.at(-1) as number;
    const before = this.#state ?? emptyStream(network, 1, lookAhead, config.embeddingSize);
    const taken = this.#actionOf(action);
    const { errors, state } = await this.#advance.call({ signal }, observation, taken, before);
    const all = (await errors.data()) as Float32Array;
    const embedding = (await state.embedding.data()) as Float32Array;
    const imagined = (await state.imagined.data()) as Float32Array;
    // Finite readings can overflow in the network; NaN in its memory would stay there, and nothing would surprise any more.
    for (const [name, values] of Object.entries({ embedding, expectations: imagined, errors: all })) {
      const bad = values.find((value) => !Number.isFinite(value));
      if (bad === undefined) continue;
      throw new JepaError('ERR_JEPA_NON_FINITE', `[session] expected finite ${name} of the frame, got ${bad}`, {
        help: [
          'check the readings and the action: they are so large that the model overflows',
          'leave the frame out, or reset the session',
        ],
      });
    }
    // Before the first frame there was nothing to remember.
    this.#state = this.#state ? state : { ...before, embedding: state.embedding };
    const judged = horizonsAt(this.#horizons, this.#frames, config.contextFrames);
    this.#frames++;
    const found = {
      frame: this.#frames,
      errors: Float32Array.from(judged, (horizon) => all[horizon - 1]),
      embedding,
      ...(this.#frames > 1 ? { expected: imagined.slice(0, config.embeddingSize) } : {}),
    };
    const { calibration, falseAlarmRate } = this.#options;
    const judgement = calibration?.judge({ ...found, action }, falseAlarmRate) ?? { verdict: 'unjudged' as const };
    return printedShortly({ ...found, ...judgement });
  }

  /** [1, 1, …] */
  #oneFrame(frame: PerModality<Tensor | TypedArray>): Promise<Observations> {
    return allOf(
      mapModalities('session', this.#world.config.observation, frame, async (values, modality, name) => {
        const { shape, dtype } = frameOf(modality);
        if (!ArrayBuffer.isView(values) && !(values instanceof Tensor))
          throw new JepaError(
            'ERR_JEPA_INVALID_ARGUMENT',
            `[session] expected a frame ${name}in a ${dtype === 'uint8' ? 'Uint8Array' : 'Float32Array'} or a tensor, got ${Array.isArray(values) ? 'an array' : typeof values}`,
          );
        const data = ArrayBuffer.isView(values) ? values : await values.data();
        const given = ArrayBuffer.isView(values) ? shape : values.shape;
        const kind = dtype === 'uint8' ? Uint8Array : Float32Array;
        const size = shape.reduce((product, extent) => product * extent, 1);
        if (!(data instanceof kind) || data.length !== size || given.join() !== shape.join())
          throw new JepaError(
            'ERR_JEPA_SHAPE',
            `[session] expected a frame ${name}${dtype} [${shape.join(', ')}], got ${data.constructor.name} of ${ArrayBuffer.isView(values) ? `${data.length} values` : `shape [${given.join(', ')}]`}`,
          );
        const one = tensor(data, { shape: [1, 1, ...shape], dtype });
        expectFinite(one, data);
        return one;
      }),
    );
  }

  /** [1, A]; of the first frame, whose result nobody uses, the average action. */
  #actionOf(action: ArrayLike<number> | undefined): Tensor {
    const { size, mean } = this.#world.config.action;
    if (this.#frames === 0 && action !== undefined)
      throw new JepaError(
        'ERR_JEPA_INVALID_ARGUMENT',
        '[session] expected no action with the first frame, got one: an action is what was done since the frame before',
      );
    if (this.#frames > 0 && action?.length !== size)
      throw new JepaError(
        'ERR_JEPA_SHAPE',
        `[session] expected the action of ${size} numbers taken since the frame before, got ${action === undefined ? 'none' : typeof action === 'object' ? `${action.length} numbers` : `the ${typeof action} ${action}`}`,
      );
    const values = tensor(Float32Array.from(action ?? mean), { shape: [1, size] });
    if (action) expectFinite(values, Float32Array.from(action));
    return values;
  }
}
