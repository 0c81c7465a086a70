import { properties } from '../../worlds/physics/violations.js';
import type { Results } from '../results.js';

/** The one table of a demo: every measure of the model beside its floors and rivals. */
export function rowsOf({ physics, planning }: Results): string[][] {
  const { violations, counterfactual, actionRank, probes, rollout, rivals } = physics;
  const kinds = [
    'model',
    'modelAtEqualCompute',
    'autoencoder',
    'pixelDifference',
    'secondDifference',
    'untrained',
  ] as const;
  const percent = (value: number): string => value.toFixed(1);
  const violationRow = (name: string, rows: (typeof violations)['macro']): string[] => [
    name,
    ...kinds.map((kind) => percent(rows[kind].accuracy)),
    '',
  ];
  const rest = (name: string, model: string, floors = ''): string[] => [
    name,
    model,
    ...kinds.slice(1).map(() => ''),
    floors,
  ];
  return [
    ['', 'model', 'equal compute', 'autoencoder', 'pixel diff', 'second diff', 'untrained', 'other floors and rivals'],
    violationRow('broken laws: mean of 8, % of pairs', violations.macro),
    ...properties.map((property) => violationRow(`  ${property}`, violations.perProperty[property])),
    violationRow('  colour change (control, want about 50)', violations.colourControl),
    ['  steps of a rival’s training', '', `${rivals.equalComputeSteps}`, `${rivals.autoencoderSteps}`, '', '', '0', ''],
    rest('counterfactual match, %', percent(counterfactual.match), `random ${percent(counterfactual.random)}`),
    rest(
      'counterfactual effect error',
      counterfactual.effectError.toFixed(3),
      `no effect ${counterfactual.noEffect.toFixed(1)}`,
    ),
    rest(
      'action ranking, AUC',
      actionRank.auc.toFixed(3),
      `imitation ${actionRank.imitation.toFixed(3)}, pixels ${actionRank.pixel.toFixed(3)}, random ${actionRank.random.toFixed(1)}`,
    ),
    rest('  by a critic of plans', actionRank.aucCritic.toFixed(3), 'learnt from true costs of training plans'),
    rest(
      '  regret of the best-looking plan',
      actionRank.scorers.latent?.regret.toFixed(3) ?? '',
      `critic ${actionRank.scorers.rankingCritic?.regret.toFixed(3)}, imitation ${actionRank.scorers.imitation?.regret.toFixed(2)}, random 1`,
    ),
    rest(
      'position R² (MLP probe)',
      probes.position.mlpR2.toFixed(3),
      `linear probe ${probes.position.linearR2.toFixed(3)}`,
    ),
    rest(
      'velocity R² (MLP probe)',
      probes.velocity.mlpR2.toFixed(3),
      `linear probe ${probes.velocity.linearR2.toFixed(3)}`,
    ),
    rest(
      'imagined 8 frames ahead, m',
      rollout.k8.metres.toFixed(3),
      `copy ${rollout.k8.copyMetres.toFixed(2)}, constant velocity ${rollout.k8.constantVelocityMetres.toFixed(2)}`,
    ),
    rest(
      '  faster, larger discs than trained on, m',
      `${rollout.fast.metres.toFixed(3)}, ${rollout.large.metres.toFixed(3)}`,
      `reading true frames ${rollout.fast.probeMetres.toFixed(2)}, ${rollout.large.probeMetres.toFixed(2)}`,
    ),
    rest('  error in latent space', rollout.k8.latentRatioToCopy.toFixed(3), 'copy 1'),
    rest(
      'Two-Room, % of episodes',
      percent(planning.twoRoom.success),
      `random ${percent(planning.twoRoom.random)}, still ${percent(planning.twoRoom.standStill)}, simulator ${percent(planning.twoRoom.oracle)}`,
    ),
    rest('  goal in the other room', percent(planning.twoRoom.otherRoom)),
    rest(
      '  hard: other room, 100 steps',
      percent(planning.twoRoomHard.success),
      `straight to the goal ${percent(planning.twoRoomHard.straight)}, random ${percent(planning.twoRoomHard.random)}, simulator ${percent(planning.twoRoomHard.oracle)}`,
    ),
  ];
}
