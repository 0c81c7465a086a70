import type { RigidBody, World } from '@dimforge/rapier2d-deterministic-compat';
import { engine } from './engine-instance.js';
import { density, gravity, room, sceneKinds, stateSize, substeps, timeStep } from './layout.js';
import { type Disc, massOf, type Scene } from './scene.js';

const restitution = 0.6;
const friction = 0.3;
/** Averaged with the disc's, as the engine does: 0.175 on the ramp. */
const rampFriction = 0.05;
/** Walls are thick beyond their faces, so that nothing is ever squeezed out of the room. */
const thickness = 1;

/** Member of no group, collides with none. */
const collidesWithNothing = 0;

/** A scene in motion. Owns engine memory: `free()` it. */
export class Simulation {
  readonly scene: Scene;
  readonly #world: World;
  readonly #disc: RigidBody;
  readonly #other: RigidBody | undefined;
  readonly #mass: number;
  #forceX = 0;
  #forceY = 0;
  #obedience = 1;

  constructor(scene: Scene) {
    const { World, RigidBodyDesc, JointData } = engine();
    this.scene = scene;
    this.#world = new World({ x: 0, y: -gravity });
    this.#world.timestep = timeStep;
    const middle = room.size / 2;
    const beyond = room.size / 2 + thickness;
    this.#addBox(middle, room.floor - thickness, beyond, thickness);
    this.#addBox(middle, room.size - room.ceiling + thickness, beyond, thickness);
    this.#addBox(room.wall - thickness, middle, thickness, beyond);
    this.#addBox(room.size - room.wall + thickness, middle, thickness, beyond);
    if (scene.ramp)
      this.#addBox(
        scene.ramp.x,
        scene.ramp.y,
        scene.ramp.halfWidth,
        scene.ramp.halfHeight,
        scene.ramp.angle,
        rampFriction,
      );
    for (const { x, y, halfWidth, halfHeight } of scene.boxes ?? []) this.#addBox(x, y, halfWidth, halfHeight);
    this.#disc = this.#addDisc(scene.disc);
    this.#other = scene.other && this.#addDisc(scene.other);
    this.#mass = massOf(scene.disc.radius);
    if (scene.pivot) {
      const { x, y } = scene.pivot;
      const anchor = this.#world.createRigidBody(RigidBodyDesc.fixed().setTranslation(x, y));
      this.#world.createImpulseJoint(
        JointData.revolute({ x: 0, y: 0 }, { x: x - scene.disc.x, y: y - scene.disc.y }),
        anchor,
        this.#disc,
        true,
      );
    }
  }

  get x(): number {
    return this.#disc.translation().x;
  }
  get y(): number {
    return this.#disc.translation().y;
  }
  get otherX(): number {
    return this.#other?.translation().x ?? 0;
  }
  get otherY(): number {
    return this.#other?.translation().y ?? 0;
  }

  /** One frame: `substeps` of the engine under a constant force on disc A, in N. */
  step(forceX: number, forceY: number): void {
    const x = forceX * this.#obedience;
    if (x !== this.#forceX || forceY !== this.#forceY) {
      this.#disc.resetForces(true);
      this.#disc.addForce({ x, y: forceY }, true);
      this.#forceX = x;
      this.#forceY = forceY;
    }
    for (let i = 0; i < substeps; i++) this.#world.step();
  }

  /** Gives disc A a velocity, m/s. */
  launch(velocityX: number, velocityY: number): void {
    this.#disc.setLinvel({ x: velocityX, y: velocityY }, true);
  }

  /** Writes the 12 numbers of `stateNames`. */
  readState(into: Float32Array, offset: number, eventFrame: number): void {
    const position = this.#disc.translation();
    const velocity = this.#disc.linvel();
    into.fill(0, offset, offset + stateSize);
    into[offset] = position.x;
    into[offset + 1] = position.y;
    into[offset + 2] = velocity.x;
    into[offset + 3] = velocity.y;
    into[offset + 4] = this.#mass;
    if (this.#other) {
      const otherPosition = this.#other.translation();
      const otherVelocity = this.#other.linvel();
      into[offset + 5] = otherPosition.x;
      into[offset + 6] = otherPosition.y;
      into[offset + 7] = otherVelocity.x;
      into[offset + 8] = otherVelocity.y;
      into[offset + 9] = 1;
    }
    into[offset + 10] = sceneKinds.indexOf(this.scene.kind);
    into[offset + 11] = eventFrame;
  }

  // What can go wrong with the laws of nature, from now on.

  reverseGravity(): void {
    this.#disc.setGravityScale(-1, true);
  }

  /** Hangs where it is. */
  freeze(): void {
    const { RigidBodyType } = engine();
    this.#disc.setLinvel({ x: 0, y: 0 }, true);
    this.#disc.setAngvel(0, true);
    this.#disc.setBodyType(RigidBodyType.Fixed, true);
  }

  passThroughEverything(): void {
    this.#disc.collider(0).setCollisionGroups(collidesWithNothing);
  }

  /** Elsewhere, with the velocity it had. */
  moveTo(x: number, y: number): void {
    this.#disc.setTranslation({ x, y }, true);
  }

  /** Turns round and speeds up with nothing touching it. */
  jolt(): void {
    const { x, y } = this.#disc.linvel();
    this.#disc.setLinvel({ x: -1.5 * x - (x < 0 ? -1.2 : 1.2), y: 1 - y }, true);
  }

  /** Moves against the sideways force. */
  disobey(): void {
    this.#obedience = -1;
  }

  free(): void {
    this.#world.free();
  }

  #addBox(x: number, y: number, halfWidth: number, halfHeight: number, angle = 0, boxFriction = friction): void {
    const { ColliderDesc } = engine();
    this.#world.createCollider(
      ColliderDesc.cuboid(halfWidth, halfHeight)
        .setTranslation(x, y)
        .setRotation(angle)
        .setRestitution(restitution)
        .setFriction(boxFriction),
    );
  }

  #addDisc({ x, y, velocityX, velocityY, radius }: Disc): RigidBody {
    const { ColliderDesc, RigidBodyDesc } = engine();
    const body = this.#world.createRigidBody(
      RigidBodyDesc.dynamic()
        .setTranslation(x, y)
        .setLinvel(velocityX, velocityY)
        .setCanSleep(false)
        .setCcdEnabled(true),
    );
    this.#world.createCollider(
      ColliderDesc.ball(radius).setDensity(density).setRestitution(restitution).setFriction(friction),
      body,
    );
    return body;
  }
}
