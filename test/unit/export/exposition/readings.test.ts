import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type LiveCell, routeReadings } from '#src/export/exposition/readings.ts';
import { sketchSnapshot } from '../../../support/plane.ts';
import { cellOf } from '../../../support/readings/cells.ts';

test('every route and version has the reading of its own cell', () => {
  const versions = [
    { name: 'v1', ports: [7001], weight: 1 },
    { name: 'v2', ports: [7002], weight: 1 },
  ];
  const path = { type: 'Exact', value: '/a' } as const;
  const snapshot = sketchSnapshot({
    routes: [
      { versions, slowMs: 300 },
      { versions, matches: [{ path, method: null, headers: [], query: [] }] },
    ],
  });
  const cells = new Map<number, LiveCell>();
  const refreshed: number[] = [];
  const readings = Array.from(
    routeReadings(snapshot, (id) => {
      const cell = { ...cellOf([]), refresh: () => void refreshed.push(id) };
      cells.set(id, cell);
      return cell;
    }),
  );
  assert.deepEqual(
    readings.map(({ route, httpRoute, slowMs }) => [route, httpRoute, slowMs]),
    [
      ['route0', '/', 300],
      ['route1', '/a', Number.POSITIVE_INFINITY],
    ],
  );
  assert.equal(readings[1]?.cell, cells.get(100));
  assert.deepEqual(readings[1]?.versions[1], {
    service: 'service',
    version: 'v2',
    hasBreaker: false,
    cell: cells.get(102),
  });
  assert.deepEqual(refreshed, []);
  readings[1]?.refresh();
  assert.deepEqual(refreshed, [100, 101, 102], 'its own cell and those of its versions');
});

test('a version that two routes lead to is as limited on both', () => {
  const [v1, v2] = [1, 2].map((n) => ({ name: `v${n}`, ports: [7000 + n], weight: 1 }));
  assert.ok(v1 !== undefined && v2 !== undefined);
  const { routes, ...rest } = sketchSnapshot({ routes: [{ versions: [v1] }, { versions: [v2] }] });
  const [first, second] = routes;
  assert.ok(first?.splits[0] !== undefined && second?.splits[0] !== undefined);
  const both = [first, { ...second, splits: [{ ...second.splits[0], targets: first.splits[0].targets }] }];
  const admission = { limit: 8, inFlight: 3, queued: 1 };
  const shownIn = first.splits[0].cell;
  const plain = { ...cellOf([]), refresh: () => undefined };
  const read = (_: number, limits: number) => (limits === shownIn ? { ...plain, admission } : plain);
  const readings = Array.from(routeReadings({ ...rest, routes: both }, read));
  assert.deepEqual(
    readings.map(({ versions }) => versions[0]?.cell.admission),
    [admission, admission],
  );
});
