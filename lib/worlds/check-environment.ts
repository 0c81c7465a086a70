import { isRecord, mapEach } from '../data/modalities.js';
import { JepaError } from '../errors.js';
import { checkOptions } from '../io/options.js';
import type { Environment, Frame } from './environment.js';
import { Random } from './random.js';
import { type ObservationSpace, type ObservationValue, sample, spaceProblem, valueProblem } from './space.js';

export interface CheckEnvironmentOptions {
  /** Steps of each of the episodes it plays (default 32). */
  readonly steps?: number;
  /** Seed of episodes and actions (default 0). */
  readonly seed?: number;
}

/**
 * Plays a few episodes of random actions and says whether the environment keeps its contract: spaces, types, bounds,
 * pictures, observations that stay as they were, and the same episode for the same seed.
 * @throws JepaError ERR_JEPA_INVALID_ARGUMENT that lists everything found
 * @example await checkEnvironment(new MyRobotArm());
 */
export async function checkEnvironment(
  environment: Environment<ObservationValue>,
  options: CheckEnvironmentOptions = {},
): Promise<void> {
  checkOptions('checkEnvironment', options, ['steps', 'seed']);
  const { steps = 32, seed = 0 } = options;
  const problems = declarationProblems(environment);
  if (problems.length === 0) {
    const first = await playEpisode(environment, seed, steps);
    const again = await playEpisode(environment, seed, steps);
    problems.push(...first.problems);
    const at = first.trace.findIndex((entry, i) => entry !== again.trace[i]);
    if (at >= 0 || first.trace.length !== again.trace.length) {
      problems.push(
        `the same seed and actions to give the same episode, got a difference at ${at === 0 ? 'reset' : `step ${at < 0 ? Math.min(first.trace.length, again.trace.length) : at}`}`,
      );
    }
    await environment.close();
    await environment.close();
  }
  if (problems.length === 0) return;
  throw new JepaError(
    'ERR_JEPA_INVALID_ARGUMENT',
    `[checkEnvironment] expected '${environment.name}' to keep the contract of an environment, found ${problems.length} problem(s)`,
    {
      help: [...new Set(problems)].map((problem) => `expected ${problem}`),
    },
  );
}

function declarationProblems(environment: Environment<ObservationValue>): string[] {
  const problems: string[] = [];
  if (typeof environment.name !== 'string' || environment.name === '') problems.push('a name');
  if (!(environment.frameRate > 0))
    problems.push(`frameRate to be a positive number of steps per second, got ${environment.frameRate}`);
  for (const key of ['observationSpace', 'actionSpace'] as const) {
    const space: ObservationSpace | undefined = environment[key];
    const problem = space ? spaceProblem(space) : 'a space made by box() or discrete(), got nothing';
    if (problem) problems.push(`${key}: ${problem}`);
  }
  for (const key of ['reset', 'step', 'render', 'close'] as const)
    if (typeof environment[key] !== 'function') problems.push(`a method ${key}()`);
  return problems;
}

async function playEpisode(
  environment: Environment<ObservationValue>,
  seed: number,
  steps: number,
): Promise<{ problems: string[]; trace: string[] }> {
  const { observationSpace, actionSpace } = environment;
  const random = new Random(seed, 'actions');
  const problems: string[] = [];
  const trace: string[] = [];
  const kept: { readonly value: ObservationValue; readonly was: string; readonly when: string }[] = [];
  const look = (result: { readonly observation: ObservationValue } | undefined, when: string): void => {
    const problem = valueProblem(observationSpace, result?.observation);
    if (problem) problems.push(`the observation of ${when} to be ${problem}`);
    else if (result) kept.push({ value: result.observation, was: print(result.observation), when });
    trace.push(print(result?.observation));
  };
  look(await environment.reset({ seed }), 'reset()');
  problems.push(...frameProblems(await environment.render(), 'after reset()'));
  for (let i = 0; i < steps && problems.length === 0; i++) {
    const result = await environment.step(sample(actionSpace, random));
    look(result, 'step()');
    if (typeof result?.terminated !== 'boolean')
      problems.push(`terminated of step() to be true or false, got ${String(result?.terminated)}`);
    if (result?.reward !== undefined && !Number.isFinite(result.reward))
      problems.push(`reward of step() to be a finite number or absent, got ${String(result.reward)}`);
    trace[trace.length - 1] += ` ${result?.reward} ${result?.terminated}`;
    if (result?.terminated) break;
  }
  problems.push(...frameProblems(await environment.render(), 'after step()'));
  const changed = kept.find(({ value, was }) => print(value) !== was);
  if (changed)
    problems.push(
      `the observation of ${changed.when} to stay as it was, but a later step wrote into it (return a copy)`,
    );
  return { problems, trace };
}

function frameProblems(frame: Frame | undefined, when: string): string[] {
  if (!frame) return [`render() ${when} to give a picture, got nothing`];
  const { data, width, height, channels } = frame;
  if (!(data instanceof Uint8Array)) return [`render() ${when} to give data as a Uint8Array`];
  return data.length === width * height * channels
    ? []
    : [`render() ${when} to give ${height} × ${width} × ${channels} bytes, got ${data.length}`];
}

const print = (value: unknown): string =>
  ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')
    : isRecord(value)
      ? JSON.stringify(mapEach(value, print))
      : String(value);
