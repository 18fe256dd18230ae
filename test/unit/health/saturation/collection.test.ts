import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Collection } from '#src/health/saturation/collection.ts';

test('garbage is collected when memory is short, at once and then every half minute', () => {
  const collection = new Collection();
  assert.equal(collection.isDue(0.79, 0), false);
  assert.equal(collection.isDue(0.8, 200), true);
  assert.equal(collection.isDue(0.99, 30_199), false);
  assert.equal(collection.isDue(0.5, 60_000), false);
  assert.equal(collection.isDue(0.99, 60_200), true);
});
