import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { itemOf, plainInstance } from '#src/sources/follow/discover/instance.ts';
import {
  KEPT_CHARS_MAX,
  type KeptLookup,
  lookupOf,
  packLookup,
  packTimes,
  timesOf,
} from '#src/sources/follow/discover/kept.ts';

const KEPT: KeptLookup = {
  key: 'consul shop',
  registry: '["http://127.0.0.1:8500",null,["canary"]]',
  pieces: [
    itemOf('node/a', { ...plainInstance('10.0.0.1', 80), tags: ['"'], version: 'v1', out: 'critical' }),
    itemOf('node/b', { ...plainInstance('ä.test', 81), weight: 0.5, share: 0.1, ignored: ['x'] }),
  ],
  confirmedAt: '2026-11-22T10:00:00.000Z',
};
const packed = (kept: KeptLookup): Uint8Array => packLookup(kept) ?? assert.fail('it is not too large');
const NOT_SOUND = /what is kept of a lookup is not sound/;

test('what a lookup held comes back as it was, in the order of its names', () => {
  assert.deepEqual(lookupOf(packed(KEPT)), KEPT);
  assert.deepEqual(lookupOf(packed({ ...KEPT, pieces: KEPT.pieces.toReversed() })), KEPT);
  assert.deepEqual(lookupOf(packed({ ...KEPT, pieces: [] })).pieces, []);
});

test('every byte that is another is noticed', () => {
  const bytes = packed(KEPT);
  // What a header of gzip says of time and system has no part in it.
  for (let at = 10; at < bytes.length; at++) {
    const damaged = Uint8Array.from(bytes);
    damaged[at] = (damaged[at] as number) ^ 4;
    assert.throws(() => lookupOf(damaged), NOT_SOUND, `byte ${at}`);
  }
  assert.throws(() => lookupOf(bytes.subarray(0, -1)), NOT_SOUND);
});

test('what has other fields than are read is refused', () => {
  const { pieces, ...rest } = KEPT;
  const rows = pieces.map(({ name, text }) => [name, text]);
  const instance = (changes: object): unknown => {
    return { ...rest, pieces: [['a', JSON.stringify({ ...plainInstance('a', 1), ...changes })]] };
  };
  const wrong = [null, [], { pieces: rows }, { ...rest, confirmedAt: 'then', pieces: rows }, rest];
  const instances = [{ host: 1 }, { port: '80' }, { weight: null }, { out: undefined }, { tags: {} }, { schemes: 1 }];
  for (const value of [...wrong, { ...rest, pieces: [['a']] }, ...instances.map(instance)]) {
    assert.throws(() => lookupOf(gzipSync(JSON.stringify(value))), NOT_SOUND, JSON.stringify(value));
  }
  assert.throws(() => lookupOf(gzipSync(JSON.stringify({ ...rest, pieces: [['a', 'null']] }))));
});

test('the fields of an instance are those of this format: others need another one', () => {
  const fields = [
    'color',
    'host',
    'ignored',
    'out',
    'port',
    'schemes',
    'service',
    'share',
    'tags',
    'version',
    'weight',
  ];
  assert.deepEqual(Object.keys(plainInstance('a', 1)).toSorted(), fields);
});

test('a lookup that takes too much is not kept, and what unpacks to more than that is not read', () => {
  const text = 'x'.repeat(KEPT_CHARS_MAX);
  assert.equal(packLookup({ ...KEPT, pieces: [{ name: 'a', text }] }), null);
  assert.throws(() => lookupOf(gzipSync(Buffer.alloc(4 * KEPT_CHARS_MAX + 1, ' '))), NOT_SOUND);
});

test('times come back by the key of their lookup', () => {
  const times = new Map([['consul shop', KEPT.confirmedAt]]);
  assert.deepEqual(timesOf(packTimes(times)), times);
  for (const value of [{}, [['a', 'then']], [[1, KEPT.confirmedAt]], [1]]) {
    assert.throws(() => timesOf(gzipSync(JSON.stringify(value))), NOT_SOUND);
  }
});
