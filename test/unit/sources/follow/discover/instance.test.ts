import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UpstreamTerms } from '#src/model/threads/tls.ts';
import {
  endpointsOf,
  type Instance,
  instanceOf,
  itemOf,
  plainInstance,
} from '#src/sources/follow/discover/instance.ts';

const at = (port: number, more: Partial<Instance> = {}): Instance => ({ ...plainInstance('10.0.0.1', port), ...more });
const weightsOf = (...instances: readonly Instance[]): number[] =>
  endpointsOf(instances, {}).map(({ weight }) => weight);

test('an instance is the same after it was an item', () => {
  const instance = at(1, { tags: ['a'], color: 'green', ignored: ['x'], schemes: ['h2c'], share: 0.5 });
  assert.deepEqual(instanceOf(itemOf('n', instance)), instance);
});

test('an instance that is out is no endpoint, and an address is one endpoint', () => {
  const endpoints = endpointsOf([at(1, { out: 'critical' }), at(2), at(2, { weight: 5 }), at(3)], {});
  assert.deepEqual(endpoints, [
    { host: '10.0.0.1', port: 2, weight: 1 },
    { host: '10.0.0.1', port: 3, weight: 1 },
  ]);
  assert.deepEqual(endpointsOf([], {}), []);
});

test('an instance that speaks only what its version is not asked in is no endpoint', () => {
  const tls = { isVerified: true } as unknown as NonNullable<UpstreamTerms['tls']>;
  const takesPart = (terms: UpstreamTerms, ...schemes: readonly string[]): boolean =>
    endpointsOf([at(1, { schemes })], terms).length === 1;
  const all = [[], ['http'], ['https'], ['h2c'], ['grpc'], ['grpcs'], ['tcp'], ['https', 'http'], ['tcp', 'h2c']];
  const table = (terms: UpstreamTerms): string[] =>
    all.filter((schemes) => takesPart(terms, ...schemes)).map((schemes) => schemes.join('+'));
  assert.deepEqual(table({}), ['', 'http', 'https+http']);
  assert.deepEqual(table({ tls }), ['', 'http', 'https', 'grpcs', 'https+http']);
  assert.deepEqual(table({ protocol: 'h2c' }), ['', 'http', 'h2c', 'grpc', 'https+http', 'tcp+h2c']);
  assert.deepEqual(table({ protocol: 'grpc', tls }), ['', 'http', 'https', 'grpcs', 'https+http']);
});

test('weights in range stay; others are scaled, and none is lost', () => {
  assert.deepEqual(weightsOf(at(1, { weight: 3 }), at(2, { weight: 1000 })), [3, 1000]);
  assert.deepEqual(
    weightsOf(at(1, { weight: 65_535 }), at(2, { weight: 0 }), at(3, { weight: 32_768 })),
    [1000, 1, 500],
  );
  assert.deepEqual(weightsOf(at(1, { weight: 0 }), at(2, { weight: 0 })), [1, 1]);
});

test('a fixed share is kept, and the others divide the rest by their weights', () => {
  assert.deepEqual(weightsOf(at(1, { share: 0.1 }), at(2, { weight: 1 }), at(3, { weight: 2 })), [167, 500, 1000]);
  assert.deepEqual(weightsOf(at(1, { share: 0.25 }), at(2, { share: 0.5 })), [500, 1000]);
  // Shares that leave nothing: the others are as good as out.
  assert.deepEqual(weightsOf(at(1, { share: 1 }), at(2)), [1000, 1]);
});
