import { properties } from '../../worlds/physics/violations.js';
import type { Results } from '../results.js';

/** The one table of a demo: every measure beside its floors. */
export function rowsOf({ physics, planning }: Results): string[][] {
  const { violations, counterfactual, actionRank, probes, rollout } = physics;
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
  ];
  const rest = (name: string, model: string, floors: string): string[] => [name, model, floors, '', '', '', ''];
  return [
    [
      'violation of expectation, % of pairs',
      'model',
      'equal compute',
      'autoencoder',
      'pixel diff',
      'second diff',
      'untrained',
    ],
    violationRow('mean of eight laws', violations.macro),
    ...properties.map((property) => violationRow(`  ${property}`, violations.perProperty[property])),
    violationRow('  colour change (control, want about 50)', violations.colourControl),
    rest('counterfactual match, %', percent(counterfactual.match), `random ${percent(counterfactual.random)}`),
    rest(
      'counterfactual effect error',
      counterfactual.effectError.toFixed(3),
      `no effect ${counterfactual.noEffect.toFixed(1)}`,
    ),
    rest(
      'action ranking, AUC',
      `${actionRank.auc.toFixed(3)} (critic ${actionRank.aucCritic.toFixed(3)})`,
      `imitation ${actionRank.imitation.toFixed(3)}, pixels ${actionRank.pixel.toFixed(3)}`,
    ),
    rest('position R² (MLP probe)', probes.position.mlpR2.toFixed(3), `linear ${probes.position.linearR2.toFixed(3)}`),
    rest('velocity R² (MLP probe)', probes.velocity.mlpR2.toFixed(3), `linear ${probes.velocity.linearR2.toFixed(3)}`),
    rest(
      'imagined 8 frames ahead, m',
      rollout.k8.metres.toFixed(3),
      `copy ${rollout.k8.copyMetres.toFixed(2)}, constant velocity ${rollout.k8.constantVelocityMetres.toFixed(2)}`,
    ),
    rest('  error relative to copying, latent', rollout.k8.latentRatioToCopy.toFixed(3), 'copy 1'),
    rest(
      'Two-Room, % of episodes',
      percent(planning.twoRoom.success),
      `random ${percent(planning.twoRoom.random)}, still ${percent(planning.twoRoom.standStill)}, oracle ${percent(planning.twoRoom.oracle)}`,
    ),
    rest('  goal in the other room', percent(planning.twoRoom.otherRoom), ''),
    rest(
      '  hard: other room, 100 steps',
      percent(planning.twoRoomHard.success),
      `random ${percent(planning.twoRoomHard.random)}, oracle ${percent(planning.twoRoomHard.oracle)}`,
    ),
  ];
}
