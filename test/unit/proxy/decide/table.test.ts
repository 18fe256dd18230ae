/** Linking a snapshot: indexes become objects, names become ids, and what routing reads cannot be nominated away. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteSpec } from '#src/model/snapshot.ts';
import { CELL_WORDS } from '#src/model/tallies.ts';
import { type LinkedRoute, linkTable } from '#src/proxy/decide/table.ts';
import type { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { readMemory } from '#src/proxy/wire/memory/memory.ts';
import { ANY_PATH, type PlaneSketch, type RouteSketch, sketchSnapshot } from '../../../support/plane.ts';
import { bench, get, readHead, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

/** The only route of a sketch, linked. */
function linked(sketch: PlaneSketch): LinkedRoute {
  const { table } = bench(sketch);
  const head = readHead(table, get('/'));
  const rule = table.router.match(head, head.path, head.method);
  assert.ok(rule !== null);
  return rule.route;
}

describe('a linked route', () => {
  it('knows its cell, its versions and their endpoints', () => {
    const on = bench();
    const head = readHead(on.table, get('/'));
    const route = on.table.router.match(head, head.path, head.method)?.route;
    assert.deepEqual(
      route?.splits.map(({ version }) => version),
      ['stable', 'canary'],
    );
    assert.deepEqual(
      route?.splits.map(({ cellBase }) => cellBase),
      [CELL_WORDS, 2 * CELL_WORDS],
    );
    assert.equal(route?.splits[1]?.targets.endpoints[0], on.endpoints[1]);
  });

  it('is pinned by each version’s name and colors; the first version wins a color that two claim', () => {
    const route = linked({
      routes: [
        {
          versions: [
            { name: 'v1', ports: [7001], weight: 1, colors: ['blue', 'v2'] },
            { name: 'v2', ports: [7002], weight: 1, colors: ['blue', 'green'] },
          ],
        },
      ],
    });
    const pinned = Object.fromEntries([...route.byColor].map(([color, { version }]) => [color, version]));
    assert.deepEqual(pinned, { v1: 'v1', blue: 'v1', v2: 'v1', green: 'v2' });
  });

  it('that is not sticky has no key field, cookie or address', () => {
    const route = linked({ routes: [TWO_VERSIONS] });
    assert.deepEqual([route.stickyField, route.stickyCookie, route.stickyClientIp], [0, '', false]);
  });

  it('that is sticky has the id of its header', () => {
    const sticky = { header: 'x-user-id', cookie: 'uid', clientIp: true };
    const on = bench({ routes: [{ ...TWO_VERSIONS, sticky }] });
    const head = readHead(on.table, get('/', 'X-User-Id: 7\r\n'));
    const route = on.table.router.match(head, head.path, head.method)?.route;
    assert.equal(head.fields.value(route?.stickyField ?? 0), '7');
    assert.deepEqual([route?.stickyCookie, route?.stickyClientIp], ['uid', true]);
  });
});

it('only the canary of a route with rescue has a rescuer, and it is the route’s own stable version', () => {
  const versions = ['stable', 'canary', 'third'].map((name, n) => ({ name, ports: [7001 + n], weight: 1 }));
  const splitsOf = (rescue: Partial<RouteSketch>) => linked({ routes: [{ versions, ...rescue }] }).splits;
  const [stable, canary, third] = splitsOf({ rescue: 'all' });
  assert.ok(stable !== undefined && canary !== undefined && third !== undefined);
  assert.equal(canary.rescuer, stable);
  assert.deepEqual([stable.rescuer, third.rescuer], [null, null]);
  assert.deepEqual([stable.countsMended, canary.countsMended, canary.rescuesPinned], [true, true, true]);
  assert.equal(splitsOf({ rescue: 'unpinned' })[1]?.rescuesPinned, false);
  for (const split of splitsOf({})) assert.deepEqual([split.rescuer, split.countsMended], [null, false]);
});

it('what leads to the same version shares how its endpoints are chosen', () => {
  const sketch = { routes: [TWO_VERSIONS, TWO_VERSIONS] };
  const on = bench(sketch);
  const snapshot = sketchSnapshot(sketch);
  const [first, second] = snapshot.routes as [RouteSpec, RouteSpec];
  const splits = second.splits.map((split, n) => (n === 0 ? { ...split, targets: first.splits[0]!.targets } : split));
  const routes = [
    { ...first, hostnames: ['a'] },
    { ...second, hostnames: ['b'], splits },
  ];
  const table = linkTable({ ...snapshot, routes }, (index) => on.endpoints[index] as Endpoint, {
    capacities: on.capacities,
    random: on.lane.random,
  });
  const targetsAt = (host: string) => {
    const head = readHead(table, get('/', '', host));
    return table.router.match(head, head.path, head.method)?.route.splits.map(({ targets }) => targets) ?? [];
  };
  assert.equal(targetsAt('b')[0], targetsAt('a')[0]);
  assert.notEqual(targetsAt('b')[1], targetsAt('a')[1]);
});

describe('a header that routing reads', () => {
  const sticky = { header: 'x-user-id', cookie: null, clientIp: false };
  const matches = [{ ...ANY_PATH, headers: [{ name: 'x-beta', type: 'Exact' as const, value: 'yes' }] }, ANY_PATH];
  for (const name of ['X-Release-Stage', 'X-User-ID', 'x-beta']) {
    it(`cannot be taken away by Connection: ${name}`, () => {
      const { table } = bench({ routes: [{ ...TWO_VERSIONS, sticky, matches }] });
      const bytes = Buffer.from(get('/', `Connection: ${name}\r\n`));
      assert.equal(table.requestHead.parse(bytes, 0, bytes.length), -1);
    });
  }
});

it('a table that takes over the parser of the one before lets go of the rules that are kept with lines', () => {
  const on = bench({ routes: [TWO_VERSIONS, { ...TWO_VERSIONS, hostnames: ['b'] }] });
  const { requestHead: head } = on.table;
  const ask = (): void => {
    readHead(on.table, get('/x'), readMemory);
    assert.ok(on.table.router.match(head, head.path, head.method) !== null);
  };
  for (let n = 0; n < 4; n++) ask();
  assert.ok(head.line !== null && head.line.rule !== null);
  const next = sketchSnapshot({ routes: [TWO_VERSIONS] });
  const balance = { capacities: on.capacities, random: on.lane.random };
  const table = linkTable(next, (index) => on.endpoints[index] as Endpoint, balance, { before: on.table });
  assert.equal(table.requestHead, head);
  assert.equal(head.line.rule, null);
});

it('a table carries its snapshot’s revision and limits', () => {
  const { table } = bench({ routes: [TWO_VERSIONS], limits: { headerCountMax: 5 } });
  assert.equal(table.revision, 1);
  const six = Buffer.from(get('/', 'A: b\r\n'.repeat(5)));
  assert.equal(table.requestHead.parse(six, 0, six.length), -1);
});

it('a table recognizes hundreds of configured names', () => {
  const headers = Array.from({ length: 300 }, (_, i) => ({ name: `x-name-${i}`, type: 'Exact' as const, value: '1' }));
  const matches = headers.map((header) => ({ ...ANY_PATH, headers: [header] }));
  const { table } = bench({ routes: [{ ...TWO_VERSIONS, matches }] });
  const head = readHead(table, get('/', 'X-Name-299: 1\r\n'));
  assert.equal(table.router.match(head, head.path, head.method)?.route.name, 'route0');
});

describe('what a stranger may not say of itself', () => {
  const headers = ['x-forwarded-user', 'x-plain', 'x-release-stage'].map((name) => ({
    name,
    type: 'Exact' as const,
    value: 'x',
  }));
  const sketch: PlaneSketch = { routes: [{ ...TWO_VERSIONS, matches: [{ ...ANY_PATH, headers }] }] };
  const hidden = (color: 'anyone' | 'trustedProxies'): string[] => {
    const { table } = bench({ ...sketch, color: { header: 'x-release-stage', acceptFrom: color } });
    return table.hiddenFields.map((id) => table.names.names[id] as string).toSorted();
  };

  it('is hidden from routing as far as routing reads it', () => {
    assert.deepEqual(hidden('trustedProxies'), ['x-forwarded-user']);
    assert.deepEqual(hidden('anyone'), ['x-forwarded-user']);
    assert.deepEqual(bench().table.hiddenFields, []);
  });

  it('is never sent on, configured names of the kind included', () => {
    const { table } = bench(sketch);
    const { fields } = readHead(table, get('/', 'X-Forwarded-User: a\r\nX-Plain: b\r\nForwarded: for=c\r\n'));
    assert.equal(fields.kept(false), 'Host: a\r\nX-Plain: b\r\n');
    assert.match(fields.kept(true), /X-Forwarded-User/);
  });
});

it('a table knows whether any route has a CORS filter, and names that filters need', () => {
  const cors = {
    allowOrigins: ['*'],
    allowMethods: [],
    allowHeaders: [],
    exposeHeaders: [],
    allowCredentials: false,
    maxAgeS: 0,
  };
  assert.equal(bench().table.hasCors, false);
  const requestHeaders = { set: [], add: [], remove: ['X-Gone'] };
  const { table } = bench({ routes: [{ ...TWO_VERSIONS, filters: { cors, requestHeaders } }] });
  assert.equal(table.hasCors, true);
  assert.ok(table.names.idOf('x-gone') > 0);
});
