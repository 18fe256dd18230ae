import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteSpec, Snapshot } from '#src/model/snapshot.ts';
import { changedSnapshot, changeOf } from '#src/proxy/decide/link/replica.ts';
import { sketchSnapshot } from '../../../../support/plane.ts';

const VERSIONS = [{ name: 'v1', ports: [7001], weight: 1 }];
const FIRST = sketchSnapshot({ routes: ['a', 'b'].map((name) => ({ name, versions: VERSIONS })) });

/** As it arrives in another thread. */
function received(before: Snapshot, after: Snapshot) {
  return structuredClone(changeOf(before, after));
}

test('what did not change is not sent, and stays the same object', () => {
  const [a, b] = FIRST.routes as [RouteSpec, RouteSpec];
  const after = { ...FIRST, revision: 2, routes: [a, { ...b, requestTimeoutMs: 9 }] };
  const change = received(FIRST, after);
  assert.deepEqual(change.routes[0], { keep: 1 });
  assert.deepEqual(change.endpoints, [{ keep: FIRST.endpoints.length }]);
  const held = structuredClone(FIRST);
  const next = changedSnapshot(held, change);
  assert.deepEqual(next, after);
  assert.equal(next?.routes[0], held.routes[0]);
  assert.equal(next?.endpoints, held.endpoints);
});

test('a route that comes shares the targets that others have, unless they are different', () => {
  const [a] = FIRST.routes as [RouteSpec];
  const held = structuredClone(FIRST);
  const targets = held.routes[0]?.splits[0]?.targets;
  const same = changedSnapshot(
    held,
    received(FIRST, { ...FIRST, revision: 2, routes: [...FIRST.routes, { ...a, name: 'c' }] }),
  );
  assert.equal(same?.routes[2]?.splits[0]?.targets, targets);
  const splits = a.splits.map((split) => ({ ...split, targets: { ...split.targets, weights: [5] } }));
  const others = [
    { ...a, name: 'c', splits },
    { ...a, name: 'd', splits },
  ];
  const other = changedSnapshot(held, received(FIRST, { ...FIRST, revision: 2, routes: [...FIRST.routes, ...others] }));
  assert.deepEqual(other?.routes[2]?.splits[0]?.targets.weights, [5]);
  assert.equal(other?.routes[2]?.splits[0]?.targets, other?.routes[3]?.splits[0]?.targets);
});

test('a change of another snapshot is not taken', () => {
  assert.equal(changedSnapshot({ ...FIRST, revision: 5 }, received(FIRST, { ...FIRST, revision: 2 })), null);
});

test('the version that a route falls back to shares its targets too', () => {
  const version = { name: 'spare', ports: [7002], weight: 1 };
  const fallback = [{ kind: 'service' as const, on: ['shed'], version }];
  const first = sketchSnapshot({ routes: [{ name: 'a', versions: VERSIONS, fallback }] });
  const [a] = first.routes as [RouteSpec];
  const held = structuredClone(first);
  const next = changedSnapshot(held, received(first, { ...first, revision: 2, routes: [a, { ...a, name: 'b' }] }));
  const [before, after] = (next?.routes ?? []).map(({ fallback: steps }) => {
    const [step] = steps ?? [];
    return step?.kind === 'service' ? step.split.targets : null;
  });
  assert.ok(before !== null);
  assert.equal(after, before);
});
