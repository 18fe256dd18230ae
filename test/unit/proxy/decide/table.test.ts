/** Linking a snapshot: indexes become objects, names become ids, and what routing reads cannot be nominated away. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CELL_WORDS } from '#src/model/tallies.ts';
import { ANY_PATH, type PlaneSketch } from '../../../support/plane.ts';
import { bench, get, readHead, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

/** The only route of a sketch, linked. */
function linked(sketch: PlaneSketch): NonNullable<ReturnType<ReturnType<typeof bench>['table']['router']['match']>> {
  const { table } = bench(sketch);
  const head = readHead(table, get('/'));
  const route = table.router.match(head.host, head.path, head.method, head.fields);
  assert.ok(route !== null);
  return route;
}

describe('a linked route', () => {
  it('knows its cell, its versions and their endpoints', () => {
    const on = bench();
    const head = readHead(on.table, get('/'));
    const route = on.table.router.match(head.host, head.path, head.method, head.fields);
    assert.deepEqual(
      route?.splits.map(({ version }) => version),
      ['stable', 'canary'],
    );
    assert.deepEqual(
      route?.splits.map(({ cellBase }) => cellBase),
      [CELL_WORDS, 2 * CELL_WORDS],
    );
    assert.equal(route?.splits[1]?.endpoints[0], on.endpoints[1]);
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
    const route = on.table.router.match(head.host, head.path, head.method, head.fields);
    assert.equal(head.fields.value(route?.stickyField ?? 0), '7');
    assert.deepEqual([route?.stickyCookie, route?.stickyClientIp], ['uid', true]);
  });
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
  assert.equal(table.router.match(head.host, head.path, head.method, head.fields)?.name, 'route0');
});
