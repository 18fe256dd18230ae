import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { byPieceName, editedPieces, mountOf, type Piece } from '#src/sources/follow/source.ts';

test('a key says where its document belongs', () => {
  assert.deepEqual(mountOf('config', '7'), { kind: 'root' });
  assert.deepEqual(mountOf('routes/shop', '7'), { kind: 'route', name: 'shop' });
  assert.deepEqual(mountOf('services/shop', '7'), { kind: 'service', name: 'shop' });
  assert.deepEqual(mountOf('weights/shop', '7'), { kind: 'weights', name: 'shop', revision: '7' });
  assert.deepEqual(mountOf('signatures/routes/shop', '7'), { kind: 'signature', of: 'routes/shop' });
  assert.deepEqual(mountOf('signatures/config', '7'), { kind: 'signature', of: 'config' });
  // Not a name: said so, with the key, when the route is checked.
  assert.deepEqual(mountOf('routes/a/b', '7'), { kind: 'route', name: 'a/b' });
});

test('a folder holds nothing, and a key of no meaning is told of', () => {
  for (const folder of ['', 'routes/', 'services/a/', 'weights/', 'signatures/', 'signatures/routes/'])
    assert.equal(mountOf(folder, '7'), null, folder);
  for (const stray of ['route/a', 'routes', 'weights', 'signatures', 'Config', 'config/x'])
    assert.deepEqual(mountOf(stray, '7'), { kind: 'ignored' });
});

test('names are in the order of their characters, on every machine', () => {
  const names = ['b', 'a-', 'B', 'a', 'a', 'é'].map((name) => ({ name }));
  assert.deepEqual(
    names.toSorted(byPieceName).map(({ name }) => name),
    ['B', 'a', 'a', 'a-', 'b', 'é'],
  );
});

test('a listing is edited to what it would be if it were made anew, and keeps the pieces that stay', () => {
  const random = new Random(7);
  const below = (count: number): number => Math.floor(random.nextFloat() * count);
  const pieceOf = (name: string, text: string): Piece => ({ name, text, mount: { kind: 'root' } });
  let pieces: Piece[] = [];
  const texts = new Map<string, Piece>();
  for (let round = 0; round < 300; round++) {
    const names = Array.from({ length: below(4) }, () => `k${below(40)}`);
    const [put, gone]: [Piece[], string[]] = [[], []];
    for (const name of new Set(names)) {
      if (below(3) === 0) {
        gone.push(name);
        texts.delete(name);
        continue;
      }
      const piece = pieceOf(name, `${round}`);
      put.push(piece);
      texts.set(name, piece);
    }
    pieces = editedPieces(pieces, put, gone);
    const anew = [...texts.values()].toSorted(byPieceName);
    assert.equal(pieces.length, anew.length, `round ${round}`);
    for (const [n, piece] of anew.entries()) assert.equal(pieces[n], piece, `round ${round}, place ${n}`);
  }
});
