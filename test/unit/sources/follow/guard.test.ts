import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { changesOf, hashOfPieces, isShrunk, isThinned, withSame } from '#src/sources/follow/guard.ts';
import type { Piece } from '#src/sources/follow/source.ts';

function pieces(texts: Readonly<Record<string, string>>): Piece[] {
  return Object.entries(texts).map(([name, text]) => ({ name, text, mount: { kind: 'root' } }));
}

function count(n: number): Piece[] {
  return pieces(Object.fromEntries(Array.from({ length: n }, (_, i) => [`p${i}`, ''])));
}

test('what is different is named', () => {
  const changes = changesOf(pieces({ a: '1', b: '1', c: '1' }), pieces({ b: '2', c: '1', d: '1' }));
  assert.deepEqual(changes, { added: ['d'], removed: ['a'], changed: ['b'] });
});

describe('a loss is sudden', () => {
  test('when nothing is left', () => {
    assert.deepEqual([isShrunk(count(1), []), isShrunk(count(9), []), isShrunk([], [])], [true, true, false]);
  });

  test('when more than half of at least four are gone, whatever came instead', () => {
    assert.deepEqual(
      [isShrunk(count(4), count(2)), isShrunk(count(4), count(1)), isShrunk(count(3), count(1))],
      [false, true, false],
    );
    const others = pieces({ x: '', y: '', z: '', w: '' });
    assert.equal(isShrunk(count(4), others), true);
  });

  test('of documents: signatures, and keys that are none, make up for nothing', () => {
    const [a, b] = count(2) as [Piece, Piece];
    const signatures = [a, b].map(
      (piece): Piece => ({ ...piece, name: `s ${piece.name}`, mount: { kind: 'signature', of: piece.name } }),
    );
    const stray: Piece = { name: 'stray', text: '', mount: { kind: 'ignored' } };
    assert.equal(isShrunk([a, b, ...signatures], [...signatures, stray]), true, 'nothing is left');
    assert.equal(isShrunk([a, b, ...signatures], [a]), false, 'two documents are fewer than four');
    const three = count(4).slice(1);
    assert.equal(isShrunk([...count(4), ...signatures], [...signatures, stray]), true);
    assert.equal(isShrunk([...count(4), stray], [...count(4).slice(0, 1), stray]), true);
    assert.equal(isShrunk([...count(4), stray], [...three, stray]), false);
  });

  test('but not when pieces go one by one', () => {
    for (let n = 9; n > 1; n--) assert.equal(isShrunk(count(n), count(n - 1)), false);
  });
});

test('the hash is another when a name, a text or the border between them is', () => {
  const hashes = [{}, { a: '' }, { a: 'b' }, { ab: '' }, { a: '', b: '' }, { a: '1 b' }, { a: '', '1': '' }].map(
    (texts) => hashOfPieces(pieces(texts)),
  );
  assert.equal(new Set(hashes).size, hashes.length);
});

test('weights that are written again are a change although they are the same', () => {
  const weights = (revision: string): Piece[] => [
    { name: 'w', text: 'weights: {}', mount: { kind: 'weights', name: 'shop', revision } },
  ];
  assert.deepEqual(changesOf(weights('1'), weights('2')).changed, ['w']);
  assert.notEqual(hashOfPieces(weights('1')), hashOfPieces(weights('2')));
  assert.deepEqual(changesOf(weights('1'), weights('1')).changed, []);
  assert.deepEqual(withSame(weights('1'), weights('2')), weights('2'));
});

test('what says the same is the same object again, what does not is the new one', () => {
  const piece = (name: string, text: string): Piece => ({ name, mount: { kind: 'route', name }, text });
  const before = ['a', 'c', 'd', 'f'].map((name) => piece(name, name));
  const after = [piece('b', 'b'), piece('c', 'c'), piece('d', 'D'), piece('f', 'f'), piece('g', 'g')];
  const result = withSame(before, after);
  assert.deepEqual(result, after);
  assert.deepEqual(
    result.map((one) => before.indexOf(one)),
    [-1, 1, -1, 3, -1],
  );
  assert.deepEqual(changesOf(before, result), { added: ['b', 'g'], removed: ['a'], changed: ['d'] });
});

describe('a loss of endpoints is sudden', () => {
  test('when none is left, or fewer than half of at least four', () => {
    const cases = [
      [count(1), []],
      [count(4), count(1)],
      [count(4), count(2)],
      [count(3), count(1)],
      [[], []],
    ] as const;
    assert.deepEqual(
      cases.map(([before, after]) => isThinned(before, after)),
      [true, true, false, false, false],
    );
  });

  test('but not when as many others came instead', () => {
    assert.equal(isThinned(count(4), pieces({ x: '', y: '', z: '', w: '' })), false);
  });
});

test('a listing that says the same is the one before, and of another one every piece that stayed is', () => {
  const before = pieces({ a: '1', b: '1', c: '1' });
  assert.equal(withSame(before, pieces({ a: '1', b: '1', c: '1' })), before);
  assert.equal(withSame([], []).length, 0);
  for (const texts of [
    { a: '1', b: '2', c: '1' },
    { a: '1', c: '1' },
    { a: '1', b: '1' },
    { a: '1', b: '1', c: '1', d: '1' },
    { a: '1', b: '1', d: '1' },
  ]) {
    const after = withSame(before, pieces(texts));
    assert.notEqual(after, before, JSON.stringify(texts));
    assert.deepEqual(after, pieces(texts));
    const stayed = after.filter((piece) => before.includes(piece)).map(({ name }) => name);
    const same = before.filter(({ name, text }) => (texts as Record<string, string>)[name] === text);
    assert.deepEqual(
      stayed,
      same.map(({ name }) => name),
    );
  }
});
