import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byPieceName, mountOf } from '#src/sources/follow/source.ts';

test('a key says where its document belongs', () => {
  assert.deepEqual(mountOf('config'), { kind: 'root' });
  assert.deepEqual(mountOf('routes/shop'), { kind: 'route', name: 'shop' });
  assert.deepEqual(mountOf('services/shop'), { kind: 'service', name: 'shop' });
  // Not a name: said so, with the key, when the route is checked.
  assert.deepEqual(mountOf('routes/a/b'), { kind: 'route', name: 'a/b' });
});

test('a folder holds nothing, and a key of no meaning is told of', () => {
  for (const folder of ['', 'routes/', 'services/a/']) assert.equal(mountOf(folder), null, folder);
  for (const stray of ['route/a', 'routes', 'Config', 'config/x'])
    assert.deepEqual(mountOf(stray), { kind: 'ignored' });
});

test('names are in the order of their characters, on every machine', () => {
  const names = ['b', 'a-', 'B', 'a', 'a', 'é'].map((name) => ({ name }));
  assert.deepEqual(
    names.toSorted(byPieceName).map(({ name }) => name),
    ['B', 'a', 'a', 'a-', 'b', 'é'],
  );
});
