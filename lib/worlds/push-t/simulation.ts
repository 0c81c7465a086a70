import { exp, log, pi, sinCos } from '../arithmetic.js';
import { type Touch, touches } from './contacts.js';
import { centreOfMass, momentOfInertia, reach, substeps, timeStep } from './table.js';

/** Gains of the agent's way to its target, 1/s² and 1/s. */
const stiffness = 100;
const damping = 20;

/** The engine's: rounds over the touches, px of overlap left alone, and the share of the rest that is removed in a step. */
const rounds = 10;
const slop = 0.1;
const correction = 1 - exp(log(0.9) * 60 * timeStep);
/** Steps for which a lost touch is remembered. */
const persistence = 3;

interface Remembered {
  readonly step: number;
  readonly impulses: ReadonlyMap<string, number>;
}

/** A touch while the step's impulses are sought. */
interface Contact extends Touch {
  /** Mass that the block opposes along the normal. */
  readonly mass: number;
  /** Velocity that is to push the block out of the overlap, px/s. */
  readonly bias: number;
  impulse: number;
  biasImpulse: number;
}

/**
 * The table in motion. The agent is driven, nothing stops it; the block moves only while it is pushed: its velocity is forgotten at every
 * step. No friction, no bounce. Impulses are sought as Chipmunk 7 does (Catto, Iterative Dynamics with Temporal Coherence, GDC 2005):
 * projected Gauss–Seidel over the touches, begun with those of the step before, and a velocity of its own that removes overlaps.
 */
export class PushTSimulation {
  #agentX = 0;
  #agentY = 0;
  #agentVelocityX = 0;
  #agentVelocityY = 0;
  /** Centre of mass. */
  #x = 0;
  #y = 0;
  #angle = 0;
  #velocityX = 0;
  #velocityY = 0;
  #spin = 0;
  #biasX = 0;
  #biasY = 0;
  #biasSpin = 0;
  #step = 0;
  readonly #remembered = new Map<string, Remembered>();

  /**
   * Puts agent and block down (the seven numbers of `stateNames`), then lets a hundredth of a second pass as the original does: a block
   * that was being pushed where it stood before moves on for that long. A new simulation has a clean table.
   */
  place(state: ArrayLike<number>, offset = 0): void {
    [this.#agentX, this.#agentY] = [state[offset], state[offset + 1]];
    [this.#agentVelocityX, this.#agentVelocityY] = [state[offset + 5], state[offset + 6]];
    this.#angle = state[offset + 4];
    const { sin, cos } = sinCos(this.#angle);
    this.#x = state[offset + 2] - sin * centreOfMass;
    this.#y = state[offset + 3] + cos * centreOfMass;
    this.#advance();
  }

  /** A tenth of a second in which the agent makes for the place 100 px · action from where it is. */
  step(actionX: number, actionY: number): void {
    const targetX = this.#agentX + reach * actionX;
    const targetY = this.#agentY + reach * actionY;
    for (let i = 0; i < substeps; i++) {
      this.#agentVelocityX += (stiffness * (targetX - this.#agentX) - damping * this.#agentVelocityX) * timeStep;
      this.#agentVelocityY += (stiffness * (targetY - this.#agentY) - damping * this.#agentVelocityY) * timeStep;
      this.#advance();
    }
  }

  /** Writes the seven numbers of `stateNames`; the angle is from 0 to 2π. */
  read(into: Float32Array | Float64Array, offset = 0): void {
    const { sin, cos } = sinCos(this.#angle);
    const turn = 2 * pi;
    into[offset] = this.#agentX;
    into[offset + 1] = this.#agentY;
    into[offset + 2] = this.#x + sin * centreOfMass;
    into[offset + 3] = this.#y - cos * centreOfMass;
    into[offset + 4] = this.#angle - turn * Math.floor(this.#angle / turn);
    into[offset + 5] = this.#agentVelocityX;
    into[offset + 6] = this.#agentVelocityY;
  }

  /** Another table in exactly this state, to try things on. */
  copy(): PushTSimulation {
    const other = new PushTSimulation();
    [other.#agentX, other.#agentY] = [this.#agentX, this.#agentY];
    [other.#agentVelocityX, other.#agentVelocityY] = [this.#agentVelocityX, this.#agentVelocityY];
    [other.#x, other.#y, other.#angle] = [this.#x, this.#y, this.#angle];
    [other.#velocityX, other.#velocityY, other.#spin] = [this.#velocityX, this.#velocityY, this.#spin];
    [other.#biasX, other.#biasY, other.#biasSpin] = [this.#biasX, this.#biasY, this.#biasSpin];
    other.#step = this.#step;
    for (const [pair, remembered] of this.#remembered) other.#remembered.set(pair, remembered);
    return other;
  }

  /** One step of the engine: places by the velocities found before, then new velocities from the touches at those places. */
  #advance(): void {
    this.#step++;
    this.#agentX += this.#agentVelocityX * timeStep;
    this.#agentY += this.#agentVelocityY * timeStep;
    this.#x += (this.#velocityX + this.#biasX) * timeStep;
    this.#y += (this.#velocityY + this.#biasY) * timeStep;
    this.#angle += (this.#spin + this.#biasSpin) * timeStep;
    this.#velocityX = this.#velocityY = this.#spin = 0;
    this.#biasX = this.#biasY = this.#biasSpin = 0;
    const pose = { x: this.#x, y: this.#y, ...sinCos(this.#angle) };
    const found = touches(pose, this.#agentX, this.#agentY);
    if (found.length === 0) return;
    const contacts = found.map((touch) => this.#contactOf(touch));
    for (let round = 0; round < rounds; round++) for (const contact of contacts) this.#push(contact);
    for (const pair of new Set(contacts.map((contact) => contact.pair)))
      this.#remembered.set(pair, {
        step: this.#step,
        impulses: new Map(
          contacts.filter((contact) => contact.pair === pair).map(({ corners, impulse }) => [corners, impulse]),
        ),
      });
  }

  #contactOf(touch: Touch): Contact {
    const { normalX, normalY, leverX, leverY, gap, pair, corners } = touch;
    const arm = leverX * normalY - leverY * normalX;
    const before = this.#remembered.get(pair);
    const age = before ? this.#step - before.step : Number.POSITIVE_INFINITY;
    const impulse = age <= persistence ? (before?.impulses.get(corners) ?? 0) : 0;
    // An impulse of the step before is applied at once; an older one only counts as already found.
    if (age === 1) this.#apply(touch, impulse);
    return {
      ...touch,
      mass: 1 / (1 + (arm * arm) / momentOfInertia),
      bias: (-correction * Math.min(0, gap + slop)) / timeStep,
      impulse,
      biasImpulse: 0,
    };
  }

  #push(contact: Contact): void {
    const { normalX, normalY, leverX, leverY, mass, bias, byAgent } = contact;
    const agentX = byAgent ? this.#agentVelocityX : 0;
    const agentY = byAgent ? this.#agentVelocityY : 0;
    const parting =
      (this.#velocityX - leverY * this.#spin - agentX) * normalX +
      (this.#velocityY + leverX * this.#spin - agentY) * normalY;
    const correcting =
      (this.#biasX - leverY * this.#biasSpin) * normalX + (this.#biasY + leverX * this.#biasSpin) * normalY;
    const biasBefore = contact.biasImpulse;
    contact.biasImpulse = Math.max(biasBefore + (bias - correcting) * mass, 0);
    const before = contact.impulse;
    contact.impulse = Math.max(before - parting * mass, 0);
    const biased = contact.biasImpulse - biasBefore;
    this.#biasX += normalX * biased;
    this.#biasY += normalY * biased;
    this.#biasSpin += ((leverX * normalY - leverY * normalX) * biased) / momentOfInertia;
    this.#apply(contact, contact.impulse - before);
  }

  #apply({ normalX, normalY, leverX, leverY }: Touch, impulse: number): void {
    this.#velocityX += normalX * impulse;
    this.#velocityY += normalY * impulse;
    this.#spin += ((leverX * normalY - leverY * normalX) * impulse) / momentOfInertia;
  }
}
