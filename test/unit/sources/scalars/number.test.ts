import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  checkEndpointWeight,
  checkLimit,
  checkRatio,
  checkRedirectStatus,
  checkRetryStatus,
  checkShare,
  checkWeight,
  checkWorkers,
  integerBetween,
  numberBetween,
  parseSize,
  sizeBetween,
} from '#src/sources/scalars/number.ts';

test('an integer is within its bounds, which are included', () => {
  const check = integerBetween(1, 3);
  for (const value of [1, 2, 3]) assert.equal(check(value), null);
  for (const value of [0, 4, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) assert.equal(check(value)?.kind, 'number');
  for (const value of [null, 'x', [], {}, true]) assert.equal(check(value)?.kind, 'type');
  assert.equal(check(undefined)?.kind, 'missing');
  assert.equal(check('2')?.hint, 'did you mean 2, without quotes?');
  assert.equal(check(' ')?.hint, '');
});

test('a number may be a fraction, NaN is none', () => {
  const check = numberBetween(0.5, 2);
  for (const value of [0.5, 1.25, 2]) assert.equal(check(value), null);
  for (const value of [0.49, 2.01, Number.NaN]) assert.equal(check(value)?.kind, 'number');
  assert.equal(check('1')?.kind, 'type');
});

test('a size is an integer of bytes or has a binary unit', () => {
  for (const [value, bytes] of [
    [0, 0],
    [8192, 8192],
    ['512B', 512],
    ['8KiB', 8192],
    ['64MiB', 67_108_864],
    ['1GiB', 1_073_741_824],
    ['2TiB', 2_199_023_255_552],
  ] as const) {
    assert.equal(parseSize(value), bytes);
  }
  for (const value of [1.5, '8', '8 KiB', '8kib', '-1B', '1.5MiB', '', null, true])
    assert.equal(parseSize(value), null);
});

test('a size with a decimal unit gets the binary one as a hint', () => {
  const check = sizeBetween(1, 2 ** 30);
  assert.equal(check('8KiB'), null);
  assert.deepEqual([check('2GiB')?.kind, check('2GiB')?.hint], ['size', '']);
  assert.equal(check(0)?.kind, 'size');
  for (const value of ['8kb', '8K', '8 kib', '8kiB']) assert.equal(check(value)?.hint, 'did you mean 8KiB?', value);
  assert.equal(check('many')?.hint, '');
  assert.equal(check({})?.kind, 'type');
});

test('a ratio lies between 0 and 1 and excludes both', () => {
  for (const value of [Number.MIN_VALUE, 0.5, 0.999999]) assert.equal(checkRatio(value), null);
  for (const value of [0, 1, -0.5, 100, Number.NaN]) assert.equal(checkRatio(value)?.kind, 'ratio');
});

test('a percentage gets its ratio as a hint, without binary noise', () => {
  assert.equal(checkRatio(99.9)?.hint, 'did you mean 0.999?');
  assert.equal(checkRatio(99.99)?.hint, 'did you mean 0.9999?');
  assert.equal(checkRatio('99.9 %')?.hint, 'did you mean 0.999?');
  assert.equal(checkRatio('100%')?.hint, '');
  assert.equal(checkRatio(100)?.hint, '');
  assert.equal(checkRatio('0.9')?.hint, 'did you mean 0.9, without quotes?');
});

test('a weight is an integer from 0 to a million', () => {
  for (const value of [0, 1, 1_000_000]) assert.equal(checkWeight(value), null);
  for (const value of [-1, 1.5, 1_000_001, Number.NaN]) assert.equal(checkWeight(value)?.kind, 'weight');
  assert.match(String(checkWeight(0.05)?.hint), /95 and 5/);
  assert.equal(checkWeight('5')?.kind, 'type');
});

test('a limit is auto, off or a count', () => {
  for (const value of ['auto', 'off', 1, 16_384]) assert.equal(checkLimit(value), null);
  assert.equal(checkLimit(16_385)?.kind, 'number');
  for (const value of [0, false, 'of']) assert.equal(checkLimit(value)?.hint, 'did you mean off?');
  assert.equal(checkLimit('Auto')?.hint, 'did you mean auto?');
  assert.equal(checkLimit(null)?.kind, 'type');
});

test('workers are auto or a count', () => {
  for (const value of ['auto', 1, 1024]) assert.equal(checkWorkers(value), null);
  assert.equal(checkWorkers(0)?.kind, 'number');
  assert.equal(checkWorkers(1025)?.kind, 'number');
  assert.equal(checkWorkers('Auto')?.hint, 'did you mean auto?');
  assert.equal(checkWorkers('4')?.hint, 'did you mean 4, without quotes?');
  assert.equal(checkWorkers(null)?.kind, 'type');
});

test('a share lies between 0 and 1 and includes both', () => {
  for (const value of [0, 0.01, 1]) assert.equal(checkShare(value), null);
  for (const value of [-0.1, 1.01, Number.NaN, Number.POSITIVE_INFINITY])
    assert.equal(checkShare(value)?.kind, 'share');
  assert.equal(checkShare(50)?.hint, 'did you mean 0.5?');
  assert.equal(checkShare('1 %')?.hint, 'did you mean 0.01?');
  assert.equal(checkShare('0.5')?.hint, 'did you mean 0.5, without quotes?');
  assert.equal(checkShare(null)?.expected, 'a ratio from 0 to 1');
});

test('the weight of an endpoint is an integer from 1 to 1,000', () => {
  for (const value of [1, 1000]) assert.equal(checkEndpointWeight(value), null);
  for (const value of [-1, 1.5, 1001]) assert.equal(checkEndpointWeight(value)?.kind, 'endpointWeight');
  assert.match(String(checkEndpointWeight(0)?.hint), /leave the endpoint out/);
  assert.equal(checkEndpointWeight('1')?.kind, 'type');
});

test('a server’s statuses are tried again, and three others', () => {
  for (const value of [500, 503, 599, 409, 425, 429]) assert.equal(checkRetryStatus(value), null);
  for (const value of [200, 400, 404, 408, 499, 600, 503.5, -500]) {
    assert.equal(checkRetryStatus(value)?.kind, 'retryStatus', String(value));
  }
  assert.equal(checkRetryStatus('503')?.hint, 'did you mean 503, without quotes?');
});

test('a redirect has one of five statuses', () => {
  for (const value of [301, 302, 303, 307, 308]) assert.equal(checkRedirectStatus(value), null);
  for (const value of [300, 304, 305, 200]) assert.equal(checkRedirectStatus(value)?.kind, 'choice');
  assert.equal(checkRedirectStatus('301')?.kind, 'type');
});
