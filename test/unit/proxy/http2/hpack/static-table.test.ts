import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATIC_LAST, STATIC_NAMES, STATIC_VALUES } from '#src/proxy/http2/hpack/static-table.ts';

// RFC 7541 appendix A.
test('the static table has 61 entries from index 1 on', () => {
  assert.equal(STATIC_LAST, 61);
  for (const column of [STATIC_NAMES, STATIC_VALUES]) assert.equal(column.length, 62);
  const known: readonly (readonly [index: number, name: string, value: string])[] = [
    [1, ':authority', ''],
    [2, ':method', 'GET'],
    [7, ':scheme', 'https'],
    [8, ':status', '200'],
    [14, ':status', '500'],
    [15, 'accept-charset', ''],
    [16, 'accept-encoding', 'gzip, deflate'],
    [28, 'content-length', ''],
    [33, 'date', ''],
    [46, 'location', ''],
    [55, 'set-cookie', ''],
    [58, 'user-agent', ''],
    [61, 'www-authenticate', ''],
  ];
  for (const [index, name, value] of known)
    assert.deepEqual([STATIC_NAMES[index], STATIC_VALUES[index]], [name, value]);
});

test('it has a name’s entries beside one another, and names in order behind the pseudo-headers and `accept`', () => {
  const names = STATIC_NAMES.slice(15).filter((name) => name !== 'accept');
  assert.deepEqual(names, [...names].sort());
  assert.equal(new Set(STATIC_NAMES).size, 62 - 1 - 1 - 1 - 6);
});
