// Planning in a world of your own, written as tensors: a cart on a line, pushed to a place and stopped there, with pushes that arrive late.
//   node examples/planning.mjs [milliseconds for a plan] [--quick]
import { add, CemSolver, Controller, concat, distanceAlongHorizon, GradientSolver, mul, tensor } from 'jepa';

const [budget = 20] = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith('--'))
  .map(Number);
const steps = process.argv.includes('--quick') ? 10 : 40;
const seconds = 0.2;
const cart = {
  actionSize: 1, // a push, an acceleration in m/s² from −1 to 1
  step({ place, velocity }, push) {
    const faster = add(velocity, mul(push, seconds));
    return { place: add(place, mul(faster, seconds)), velocity: faster };
  },
  position: ({ place, velocity }) => concat([place, velocity], 1),
};
const goal = tensor([[1, 0]]); // at one metre, at rest

for (const Solver of [CemSolver, GradientSolver]) {
  const solver = new Solver(cart, distanceAlongHorizon, { horizon: 20 });
  const start = { place: tensor([[0]]), velocity: tensor([[0]]) };
  await solver.solve({ state: start, goal, pending: new Float32Array(1), call: 0, onRound() {} }); // compiles, before time counts
  // Pushes take a step to arrive. A plan has some milliseconds; without one to trust the cart is not pushed.
  const controller = new Controller(solver, { latency: 1, budget, safeAction: [0] });
  let [place, velocity, onItsWay] = [0, 0, 0];
  const outcomes = {};
  for (let step = 0; step < steps; step++) {
    const state = { place: tensor([[place]]), velocity: tensor([[velocity]]) };
    const { action, plan } = await controller.act(state, goal);
    outcomes[plan.status] = (outcomes[plan.status] ?? 0) + 1;
    velocity += onItsWay * seconds;
    place += velocity * seconds;
    onItsWay = action[0];
  }
  solver.dispose();
  console.log(`${Solver.name}: at ${place.toFixed(2)} m with ${velocity.toFixed(2)} m/s;`, outcomes);
}
