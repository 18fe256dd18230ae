import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SourceDocument } from '#src/sources/document/pieces.ts';
import { printOf } from '#src/sources/document/signature/keys.ts';
import { Ledger, type Verified } from '#src/sources/document/signature/ledger.ts';
import { formatSignature, sign } from '#src/sources/document/signature/signature.ts';

const KEY = { id: 'k1', secret: Buffer.alloc(32, 1) };

function route(name: string, text: string): SourceDocument {
  return { name: `etcd /${name}`, text, mount: { kind: 'route', name }, source: 1, isForeign: true };
}

function beside(name: string, text: string, source = 1): SourceDocument {
  const mount = { kind: 'signature', of: `routes/${name}` } as const;
  return { name: `etcd /signatures/${name}`, text, mount, source, isForeign: true };
}

function pair(name: string, revision: number, text = `# ${revision}`, key = KEY): SourceDocument[] {
  return [route(name, text), beside(name, formatSignature(sign(key, { subject: `routes/${name}`, revision, text })))];
}

function ledger(floorsMax?: number): Ledger {
  return new Ledger([KEY], ({ source }, subject) => `${source} ${subject}`, floorsMax);
}

function told({ refused }: Verified): string[] {
  return refused.map(({ name, refusal, isHalf, problem: { code, expected, got } }) =>
    [name, refusal, code, isHalf ? 'half' : 'whole', `${expected}, ${got}`].join(' | '),
  );
}

describe('what is signed', () => {
  test('is handed on without its signatures', () => {
    const [document, signature] = pair('a', 1) as [SourceDocument, SourceDocument];
    const verified = ledger().verify([signature, document]);
    assert.deepEqual([verified.documents, told(verified), verified.prints], [[document], [], [printOf(KEY)]]);
  });

  test('is verified once, as long as neither half is another', () => {
    const one = ledger();
    const [document, signature] = pair('a', 1) as [SourceDocument, SourceDocument];
    one.verify([document, signature]);
    // A text that is another and the same object: were it verified again, it would not be good.
    Object.assign(document, { text: 'forged' });
    assert.deepEqual(told(one.verify([document, signature])), []);
    assert.equal(one.verify([document, { ...signature }]).refused.length, 1);
  });

  test('is verified anew by other keys, and what was taken is remembered', () => {
    const one = ledger();
    const other = { id: 'k2', secret: Buffer.alloc(32, 2) };
    one.accept(one.verify(pair('a', 5)));
    const last = pair('a', 6);
    assert.deepEqual(told(one.verify(last)), []);
    one.trust([other]);
    assert.equal(one.verify(last).refused[0]?.refusal, 'wrong');
    assert.equal(one.verify(pair('a', 4, '# 4', other)).refused[0]?.refusal, 'replayed');
    assert.deepEqual(told(one.verify(pair('a', 6, '# 6', other))), []);
    one.trust([KEY, other]);
    const both = [...pair('a', 7, '# 7', other), ...pair('b', 1), ...pair('c', 1)];
    assert.deepEqual(one.verify(both).prints, [printOf(KEY), printOf(other)], 'each key once, in order');
    // The name of a key says nothing by itself.
    one.trust([{ id: 'k2', secret: Buffer.alloc(32, 3) }]);
    assert.equal(one.verify(pair('a', 6, '# 6', other)).refused[0]?.refusal, 'wrong');
  });

  test('is nothing else by a name with line ends', () => {
    // What is signed reads `routes/a`, 1 and this text; by another name it would read the same.
    const text = '# first\n7\nbackendRefs: []';
    const [, signature] = pair('a', 1, text) as [SourceDocument, SourceDocument];
    const name = 'a\n1\n# first';
    const { keyId, signature: mac } = JSON.parse(signature.text) as { keyId: string; signature: string };
    const forged = beside(name, JSON.stringify({ keyId, revision: 7, signature: mac }));
    const [refused] = ledger().verify([route(name, 'backendRefs: []'), forged]).refused;
    assert.deepEqual([refused?.refusal, refused?.problem.code], ['wrong', 'SLU1141']);
  });

  test('belongs to its own source, and a key of no meaning needs none', () => {
    const [document, signature] = pair('a', 1) as [SourceDocument, SourceDocument];
    const stray: SourceDocument = { name: 's', text: '', mount: { kind: 'ignored' }, source: 1, isForeign: true };
    assert.deepEqual(told(ledger().verify([document, { ...signature, source: 2 }, stray])), [
      'etcd /a | unsigned | SLU1140 | half | a signature, none',
    ]);
  });
});

test('what is unsigned, unreadable, of another key, of another name or changed is refused, and may be half of a pair', () => {
  const [document] = pair('a', 1) as [SourceDocument];
  const [, other] = pair('b', 1) as [SourceDocument, SourceDocument];
  const foreign = pair('a', 1, '# 1', { id: 'k2', secret: KEY.secret })[1] as SourceDocument;
  const moved = { ...other, mount: { kind: 'signature', of: 'routes/a' } } as const;
  const cases: [SourceDocument[], string][] = [
    [[document], 'etcd /a | unsigned | SLU1140 | half | a signature, none'],
    [[document, beside('a', '{}')], 'etcd /a | wrong | SLU1141 | half | a signature of routes/a, no signature'],
    [
      [document, foreign],
      'etcd /a | wrong | SLU1141 | half | a signature with a key of this gateway, one with the key k2',
    ],
    [[document, moved], "etcd /a | wrong | SLU1141 | half | a signature of routes/a, another text's, of revision 1"],
    [
      [route('a', '# 2'), pair('a', 1)[1] as SourceDocument],
      "etcd /a | wrong | SLU1141 | half | a signature of routes/a, another text's, of revision 1",
    ],
  ];
  for (const [documents, sentence] of cases) assert.deepEqual(told(ledger().verify(documents)), [sentence]);
});

describe('a revision that was taken', () => {
  test('must rise with the text, and the same document may stay', () => {
    const one = ledger();
    const accept = (documents: SourceDocument[]): void => void one.accept(one.verify(documents));
    accept(pair('a', 5));
    assert.deepEqual(told(one.verify(pair('a', 5))), []);
    assert.deepEqual(told(one.verify(pair('a', 4))), ['etcd /a | replayed | SLU1142 | whole | a revision above 5, 4']);
    assert.deepEqual(told(one.verify(pair('a', 5, 'x'))), [
      'etcd /a | replayed | SLU1142 | whole | a revision above 5, 5 with another text',
    ]);
    // Verified is not taken: what was never in force may be gone back from.
    assert.deepEqual(told(one.verify(pair('a', 7))), []);
    assert.deepEqual(told(one.verify(pair('a', 6))), []);
    accept(pair('a', 6));
    assert.equal(one.verify(pair('a', 5)).refused.length, 1);
  });

  test('counts for a document that was gone meanwhile', () => {
    const one = ledger();
    one.accept(one.verify([...pair('a', 5), ...pair('b', 2)]));
    one.accept(one.verify(pair('b', 2)));
    assert.equal(one.verify([...pair('a', 4), ...pair('b', 2)]).refused.length, 1);
  });

  test('outlives the process, part by part, and the greater one counts', () => {
    const before = ledger();
    const both = before.verify([...pair('a', 5), ...pair('b', 9)]);
    const changed = before.accept(both);
    assert.equal(before.accept(both).size, 0);
    assert.deepEqual(new Set(before.save(changed).keys()), new Set(before.save().keys()));

    const after = ledger();
    const start = after.verify([...pair('a', 4), ...pair('b', 10)]);
    assert.deepEqual(told(start), []);
    after.accept(start);
    for (const bytes of before.save().values()) after.recall(bytes);
    assert.deepEqual(told(after.verify([...pair('a', 4), ...pair('b', 10)])), [
      'etcd /a | replayed | SLU1142 | whole | a revision above 5, 4',
    ]);
    assert.equal(after.verify(pair('b', 9)).refused.length, 1);
  });

  test('that cannot be read is told', () => {
    for (const text of ['', '{', '{"least":1,"floors":[["a"]]}', '{"least":"1","floors":[]}']) {
      assert.throws(() => ledger().recall(Buffer.from(text)), { code: 'SLU_STATE_INVALID' });
    }
  });
});

test('when there is no more room, the oldest of what is gone makes place, and nothing may begin below it', () => {
  const one = ledger(2);
  one.accept(one.verify([...pair('a', 3), ...pair('b', 1)]));
  one.accept(one.verify([...pair('b', 1), ...pair('c', 4)]));
  // `a` went: it comes back at its revision, and not before it; `b` and `c` are still known.
  assert.deepEqual(told(one.verify(pair('a', 2))), ['etcd /a | replayed | SLU1142 | whole | a revision above 3, 2']);
  assert.deepEqual(told(one.verify([...pair('a', 3), ...pair('b', 1), ...pair('d', 4)])), []);
  const again = ledger(2);
  for (const bytes of one.save(new Set(Array.from({ length: 64 }, (_, part) => part))).values()) again.recall(bytes);
  assert.equal(again.verify(pair('a', 2)).refused.length, 1);
  // All that are there stay, whatever the limit is.
  one.accept(one.verify([...pair('b', 1), ...pair('c', 4), ...pair('d', 4)]));
  assert.deepEqual(told(one.verify([...pair('b', 1), ...pair('c', 4), ...pair('d', 4)])), []);
});
