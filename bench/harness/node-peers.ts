import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from './paths.js';

export type NodePeer = { readonly folder: string; readonly version: string } | { readonly missing: string };

/**
 * The folder whose node_modules has a package: `JEPA_BENCH_NODE_PEERS`, else the one that `node tools/make-peers.mjs` makes. Peers
 * are no dependencies of the library.
 */
export function nodePeer(name: string): NodePeer {
  const folder = process.env.JEPA_BENCH_NODE_PEERS ?? join(root, 'build', 'peers');
  const manifest = join(folder, 'node_modules', name, 'package.json');
  if (!existsSync(manifest)) return { missing: `${name} is not in ${folder}: run node tools/make-peers.mjs` };
  const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
  return { folder, version };
}

/** A peer's module, in the peer's process. Its author's types are not there: the caller says what it uses. */
export function loadPeer<Module>(folder: string, name: string): Module {
  return createRequire(join(folder, 'package.json'))(name) as Module;
}

/** A compiled peer that Node runs. */
export function nodePeerPath(name: string): string {
  return fileURLToPath(new URL(`../peers/${name}.js`, import.meta.url));
}
