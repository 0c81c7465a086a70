/** An instruction in single-assignment form: its number is the register that it writes. */
export interface Instruction {
  readonly name: string;
  readonly operands: readonly number[];
  readonly immediate: number;
  /** Whether it is the same for all elements. */
  readonly steady?: boolean;
}

/** Operands of AdamW's formula, and the two moments that it computes on the way. */
interface Found {
  readonly registers: Readonly<Record<'p' | 'g' | 'm' | 'v' | 'keep' | 'step' | 'correction' | 'epsilon', number>>;
  readonly immediates: readonly [number, number, number];
  readonly mean: number;
  readonly variance: number;
}

/**
 * Makes AdamW's formula one instruction of the elementwise machine (native/ops/elementwise/elementwise.h), wherever a pass
 * computes all of it in the order of lib/optim/adamw.ts. Bits stay.
 * @param stored registers that the pass stores
 * @returns the instructions and registers to go on with
 */
export function adamwInstructions(
  instructions: readonly Instruction[],
  stored: readonly number[],
): { instructions: readonly Instruction[]; stored: readonly number[] } {
  const at = instructions.findIndex((_, index) => formulaAt(instructions, index) !== undefined);
  const found = at < 0 ? undefined : formulaAt(instructions, at);
  if (!found) return { instructions, stored };
  const { registers: r, immediates, mean, variance } = found;
  const own = instructionsUnder(
    instructions,
    at,
    new Set([r.p, r.g, r.m, r.v, r.keep, r.step, r.correction, r.epsilon]),
  );
  // Whoever reads the moments earlier would have to wait for the whole formula.
  const early = instructions.some(
    ({ operands }, index) =>
      index < at && !own.has(index) && operands.some((operand) => operand === mean || operand === variance),
  );
  if (early) return { instructions, stored };
  const place = (register: number): number => {
    if (register <= at) return register === mean ? at + 1 : register === variance ? at + 2 : register;
    return register + 2;
  };
  const formula: Instruction[] = [
    { name: 'adamw', operands: [r.p, r.g, r.m], immediate: immediates[0] },
    { name: 'more', operands: [r.v, r.keep, r.step], immediate: immediates[1] },
    { name: 'more', operands: [r.correction, r.epsilon, r.epsilon], immediate: immediates[2] },
  ];
  const rest = instructions
    .slice(at + 1)
    .map((instruction) => ({ ...instruction, operands: instruction.operands.map(place) }));
  return { instructions: [...instructions.slice(0, at), ...formula, ...rest], stored: stored.map(place) };
}

/** What only the formula at `at` is made of: everything between its operands and it. */
function instructionsUnder(instructions: readonly Instruction[], at: number, leaves: ReadonlySet<number>): Set<number> {
  const under = new Set<number>();
  const stack = [at];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (under.has(next) || leaves.has(next)) continue;
    under.add(next);
    stack.push(...instructions[next].operands);
  }
  return under;
}

/** p·keep − m'·step/(√v'·correction + ε), m' = m + (g − m)·c, v' = v·β₂ + (g·g)·d. */
function formulaAt(instructions: readonly Instruction[], index: number): Found | undefined {
  const operandsOf = (name: string, register: number | undefined): readonly number[] =>
    register !== undefined && instructions[register].name === name ? instructions[register].operands : [];
  const constant = (register: number | undefined): number | undefined =>
    register !== undefined && instructions[register].name === 'const_f' ? instructions[register].immediate : undefined;
  const [kept, quotient] = operandsOf('sub_f', index);
  const [p, keep] = operandsOf('mul_f', kept);
  const [moved, root] = operandsOf('div_f', quotient);
  const [mean, step] = operandsOf('mul_f', moved);
  const [scaled, epsilon] = operandsOf('add_f', root);
  const [rooted, correction] = operandsOf('mul_f', scaled);
  const [variance] = operandsOf('sqrt', rooted);
  const [m, difference] = operandsOf('add_f', mean);
  const [towards, first] = operandsOf('mul_f', difference);
  const [g, before] = operandsOf('sub_f', towards);
  const [decayed, added] = operandsOf('add_f', variance);
  const [v, second] = operandsOf('mul_f', decayed);
  const [squared, third] = operandsOf('mul_f', added);
  const [left, right] = operandsOf('mul_f', squared);
  const immediates = [constant(first), constant(second), constant(third)];
  // An operand is missing where the formula differs, as without decay: there is no product with `keep` then.
  const registers = { p, g, m, v, keep, step, correction, epsilon };
  const whole = [...Object.values(registers), ...immediates].every((found) => found !== undefined);
  if (!whole || left !== right || left !== g || before !== m) return undefined;
  return {
    registers,
    immediates: immediates as [number, number, number],
    mean,
    variance,
  };
}
