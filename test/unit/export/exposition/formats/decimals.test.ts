import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NUMBER_BYTES_MAX, numberOf, putNumber } from '#src/export/exposition/formats/decimals.ts';
import { Random } from '#src/lib/random.ts';

const EDGES = [0, -0, 9, 10, 99, 100, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, 2 ** 53, 1e21, -1, -1.5, 0.1, 5e-324];
const LONGEST = -1.2345678901234567e-308;

function written(value: number): string {
  const bytes = Buffer.alloc(NUMBER_BYTES_MAX + 2, '.');
  const end = putNumber(bytes, value, 1);
  assert.equal(bytes.toString('latin1', end), '.'.repeat(bytes.length - end), 'nothing behind it');
  return bytes.toString('latin1', 1, end);
}

test('a number is written as String has it', () => {
  const random = new Random(7);
  const some = Array.from({ length: 20_000 }, () => random.nextFloat() * 10 ** (random.nextFloat() * 30 - 10));
  for (const value of [...EDGES, LONGEST, ...some, ...some.map(Math.floor)])
    assert.equal(written(value), String(value));
  for (let power = 1; power < 2 ** 53; power *= 10) assert.equal(written(power - 1), String(power - 1));
});

test('what is not finite is written as Prometheus reads it', () => {
  assert.deepEqual([Number.NaN, Infinity, -Infinity].map(written), ['NaN', '+Inf', '-Inf']);
  assert.deepEqual([Number.NaN, Infinity, -Infinity].map(numberOf), ['NaN', '+Inf', '-Inf']);
});
