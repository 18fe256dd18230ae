import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CalmCollection, Collection } from '#src/health/saturation/collection.ts';

test('garbage is collected when memory is short, at once and then every half minute', () => {
  const collection = new Collection();
  assert.equal(collection.isDue(0.79, 0), false);
  assert.equal(collection.isDue(0.8, 200), true);
  assert.equal(collection.isDue(0.99, 30_199), false);
  assert.equal(collection.isDue(0.5, 60_000), false);
  assert.equal(collection.isDue(0.99, 60_200), true);
});

const MB = 1_000_000;

/** Says how often it was asked. */
function heapOf(bytes: number): { readonly bytesOf: () => number; asked: number } {
  const heap = {
    asked: 0,
    bytesOf: () => {
      heap.asked += 1;
      return bytes;
    },
  };
  return heap;
}

test('garbage is collected after work, once it is quiet', () => {
  const calm = new CalmCollection();
  const heap = heapOf(70 * MB);
  assert.equal(calm.isDue(0, heap.bytesOf), false, 'there was no work');
  calm.worked(1000);
  assert.equal(calm.isDue(1299, heap.bytesOf), false, 'more may come');
  calm.worked(1200);
  assert.equal(calm.isDue(1499, heap.bytesOf), false, 'more came');
  assert.equal(heap.asked, 0, 'which costs nothing');
  assert.equal(calm.isDue(1500, heap.bytesOf), true);
  calm.collected(68 * MB);
  assert.equal(calm.isDue(9000, heap.bytesOf), false, 'there was no work since');
  assert.equal(heap.asked, 1);
});

test('garbage is collected after work only if there is enough of it', () => {
  const calm = new CalmCollection();
  calm.collected(68 * MB);
  const looks = [
    [70, false],
    [72, false],
    [73, true],
  ] as const;
  for (const [n, [mb, isDue]] of looks.entries()) {
    calm.worked(1000 * n);
    assert.equal(calm.isDue(1000 * n + 300, heapOf(mb * MB).bytesOf), isDue, `${mb} MB`);
  }
  // V8 has done it: what is kept from then on counts.
  calm.worked(5000);
  assert.equal(calm.isDue(5300, heapOf(60 * MB).bytesOf), false);
  calm.worked(6000);
  assert.equal(calm.isDue(6300, heapOf(64 * MB).bytesOf), true);
});

test('of a small heap a few percent are not worth it', () => {
  const calm = new CalmCollection();
  calm.collected(10 * MB);
  calm.worked(0);
  assert.equal(calm.isDue(300, heapOf(12 * MB).bytesOf), false);
  calm.worked(1000);
  assert.equal(calm.isDue(1300, heapOf(12.2 * MB).bytesOf), true);
});
