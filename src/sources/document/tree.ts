/**
 * Turns YAML nodes into plain values, in one walk that refuses what a configuration has no use for.
 *
 * Refused with a position: tags, keys that are not plain text, `__proto__`, keys that appear twice, aliases without an
 * anchor, unset variables, nesting beyond 64 levels. An alias shares its anchor's value, but counts as many values as
 * the anchor holds: a document of nested aliases meets the limit of 2,000,000 values before anything is unfolded.
 * Duplicate keys are looked for here, with a set: the parser's own search is quadratic (2.4 s for 10,000 services).
 */

import { isAlias, isMap, isScalar, isSeq, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import type { Fault } from '../problems/fault.ts';
import { quote } from '../problems/fault.ts';
import type { Path } from '../problems/report.ts';
import { type Environment, expandVariables, typePlain } from './interpolate.ts';

export const DEPTH_MAX = 64;
export const VALUES_MAX = 2_000_000;

/** A fault at an offset of the text, found before there are values to point at. */
export interface NodeFault {
  readonly offset: number;
  readonly path: Path;
  readonly fault: Fault;
}

/** The values of a document. */
export interface Tree {
  readonly value: unknown;
  /** Where there are any, the values at their paths are not to be trusted. */
  readonly faults: readonly NodeFault[];
  /** Nodes that aliases stand for. */
  readonly targets: ReadonlyMap<Node, Node>;
  /** False when a limit stopped the walk: the value is a part only. */
  readonly isComplete: boolean;
  /** How many values, with those that aliases repeat. */
  readonly size: number;
}

interface Anchored {
  readonly node: Node;
  readonly value: unknown;
  readonly size: number;
}

interface Walk {
  readonly environment: Environment | null;
  readonly anchors: Map<string, Anchored>;
  readonly targets: Map<Node, Node>;
  readonly faults: NodeFault[];
  /** Values so far, aliases unfolded. */
  size: number;
  isComplete: boolean;
}

/** Reads the tree under `root`. Cost: O(nodes). */
export function readTree(root: Node | null, environment: Environment | null): Tree {
  const walk: Walk = {
    environment,
    anchors: new Map(),
    targets: new Map(),
    faults: [],
    size: 0,
    isComplete: true,
  };
  const value = readNode(walk, root, []);
  return { value, faults: walk.faults, targets: walk.targets, isComplete: walk.isComplete, size: walk.size };
}

/** The text of a mapping's key, null when it is not a scalar. */
export function keyText(key: unknown): string | null {
  if (key === null || key === undefined) return '';
  if (!isScalar(key)) return null;
  return key.source ?? String(key.value);
}

function readNode(walk: Walk, node: Node | null, path: Path): unknown {
  if (!walk.isComplete || node === null) return null;
  if (isAlias(node)) return readAlias(walk, node, node.source, path);
  const sizeBefore = walk.size;
  grow(walk, 1, node, path);
  if (path.length > DEPTH_MAX) stop(walk, node, path, `more than ${DEPTH_MAX} levels`);
  if (node.tag !== undefined) refuseTag(walk, node, path);
  const value = readValue(walk, node, path);
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, { node, value, size: walk.size - sizeBefore });
  return value;
}

function readValue(walk: Walk, node: Node, path: Path): unknown {
  if (isMap<unknown, Node | null>(node)) return readMap(walk, node, path);
  if (isSeq<Node | null>(node)) return node.items.map((item, index) => readNode(walk, item, [...path, index]));
  return isScalar(node) ? readScalar(walk, node, path) : null;
}

function readMap(walk: Walk, map: YAMLMap<unknown, Node | null>, path: Path): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (const pair of map.items) {
    const key = readKey(walk, map, pair, path);
    if (key === null) continue;
    if (Object.hasOwn(value, key)) {
      const fault: Fault = { kind: 'duplicateKey', expected: 'every key once', got: `${quote(key)} again` };
      addFault(walk, offsetOf(pair.key, map), [...path, key], fault);
      continue;
    }
    value[key] = readNode(walk, pair.value, [...path, key]);
  }
  return value;
}

function readKey(walk: Walk, map: YAMLMap, pair: Pair<unknown, Node | null>, path: Path): string | null {
  const key = keyText(pair.key);
  if (key !== null && key !== '__proto__') return key;
  const got = key === null ? 'a collection or an alias as a key' : quote(key);
  addFault(walk, offsetOf(pair.key, map), path, { kind: 'badKey', expected: 'plain text as a key', got });
  return null;
}

function readScalar(walk: Walk, node: Scalar, path: Path): unknown {
  if (typeof node.value !== 'string' || !node.value.includes('${')) return node.value;
  const { text, faults } = expandVariables(node.value, walk.environment);
  for (const fault of faults) addFault(walk, offsetOf(node, node), path, fault);
  return node.type === 'PLAIN' ? typePlain(text) : text;
}

function readAlias(walk: Walk, node: Node, name: string, path: Path): unknown {
  const anchored = walk.anchors.get(name);
  if (anchored === undefined) {
    const fault: Fault = { kind: 'alias', expected: `the anchor &${name} before its alias`, got: `*${name}` };
    addFault(walk, offsetOf(node, node), path, fault);
    return null;
  }
  walk.targets.set(node, anchored.node);
  grow(walk, anchored.size, node, path);
  return anchored.value;
}

function refuseTag(walk: Walk, node: Node, path: Path): void {
  const hint = 'remove the tag; quote the value if it is text';
  const fault: Fault = { kind: 'tag', expected: 'a value without a tag', got: tagShown(node), hint };
  addFault(walk, offsetOf(node, node), path, fault);
}

/** `!!int` for a standard tag, others as they are. */
function tagShown(node: Node): string {
  return (node.tag ?? '!').replace('tag:yaml.org,2002:', '!!');
}

function grow(walk: Walk, size: number, node: Node, path: Path): void {
  walk.size += size;
  if (walk.size > VALUES_MAX) stop(walk, node, path, 'more, counting what aliases repeat');
}

function stop(walk: Walk, node: Node, path: Path, got: string): void {
  if (!walk.isComplete) return;
  walk.isComplete = false;
  const expected = `at most ${DEPTH_MAX} levels and ${VALUES_MAX} values`;
  addFault(walk, offsetOf(node, node), path.slice(0, 8), { kind: 'tooComplex', expected, got });
}

function addFault(walk: Walk, offset: number, path: Path, fault: Fault): void {
  walk.faults.push({ offset, path, fault });
}

/** Where a node begins in the text; an absent one is where its parent begins. */
export function offsetOf(node: unknown, parent: Node): number {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : null;
  return range?.[0] ?? parent.range?.[0] ?? 0;
}
