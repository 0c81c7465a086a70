// A training suite's case: weights and batches in a file that all contenders read, three compared steps, then timed ones.
import { join } from 'node:path';
import { type HostTensor, writeSafetensors } from '#lib/index.js';
import { type Candidate, forTraining, noteScaling, ownCandidates, playFromFiles, pytorchCandidates } from './match.js';
import { contenderPath } from './paths.js';
import { compareSteps, type StepCheck } from './steps.js';
import type { Measured, Run, Suite } from './suite.js';

export interface TrainingCase {
  readonly name: string;
  /** What contenders get as JSON, beside the file. */
  readonly config: object;
  /** Weights `model.…` and batches. */
  inputs(): Promise<Map<string, HostTensor>>;
  readonly flops: number;
  /** Pictures or frames of a step. */
  readonly count: number;
}

/** Peers beside PyTorch. @param path of the file   @param threads as everybody else has */
export type OtherPeers = (run: Run, path: string, config: object, threads: number) => readonly Candidate[];

function measure(
  run: Run,
  threads: number,
  suite: string,
  { name, config, inputs, flops, count }: TrainingCase,
  others: OtherPeers,
): Promise<Measured[]> {
  return playFromFiles<StepCheck>(
    run,
    { suite, case: name, threads, compare: compareSteps, flops, count },
    async (directory) => {
      const path = join(directory, 'inputs.safetensors');
      await writeSafetensors(path, await inputs());
      const given = [path, JSON.stringify(config)];
      const asked = forTraining(run);
      return [
        ...ownCandidates(asked, [contenderPath(suite), ...given]),
        ...pytorchCandidates(asked, suite, given),
        ...others(asked, path, config, threads),
      ];
    },
  );
}

export function trainingSuite(
  name: string,
  summary: string,
  cases: readonly TrainingCase[],
  others: OtherPeers = () => [],
): Suite {
  return {
    name,
    summary,
    async run(run) {
      const rows: Measured[] = [];
      for (const one of cases.filter((each) => each.name.includes(run.only)))
        for (const threads of run.threads) rows.push(...(await measure(run, threads, name, one, others)));
      noteScaling(run, name, rows);
      return rows;
    },
  };
}
