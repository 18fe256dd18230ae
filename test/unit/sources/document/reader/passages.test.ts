import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readDocument } from '#src/sources/document/read.ts';
import { Passages, passagesOf, type Verdict } from '#src/sources/document/reader/passages.ts';
import type { Path } from '#src/sources/problems/report.ts';
import { samples } from '../../../../support/runner/depth.ts';

const SEED = 20261124;
const ENVIRONMENT = { PORT: '8080', TEXT: 'a: b' };
const read = (text: string) => readDocument(text, ENVIRONMENT);

/** What stands between two line ends, and what an editor makes of it: sections and items, and all that only looks like one. */
const LINES = [
  'a: 1',
  'b:',
  'c: {x: 1, y: [2, 3]}',
  'd: "one',
  'e: two"',
  'f: {x: 1,',
  'g: 2}',
  'h: |',
  'i: >-',
  'j: &mark {k: 1}',
  'k: *mark',
  'l: !!str 5',
  'm: ${PORT}',
  'n: "${TEXT}"',
  'o: ${UNSET}',
  'a: again',
  '"quoted": 1',
  '__proto__: 1',
  '? complex',
  '- item',
  'bare',
  'p:q',
  'routes:',
  'routes: ',
  'routes: # all',
  'routes: [{a: 1}]',
  'routes: &all',
  'services:',
  'services: {s: 1}',
  '- a: 1',
  '-',
  '  -',
  '  - y',
  '  - z: 2',
  '  - "one',
  '  - two"',
  '  - [1,',
  '  - 2]',
  '  - |',
  '  - |1',
  '  - >+',
  '  - &own {k: 1}',
  '  - *own',
  '  - ${PORT}',
  '    w: 3',
  '    w: *own',
  '    - deeper',
  '  s: {v: 1}',
  '  t:',
  '  s: again',
  '  "u": 1',
  "  'v': {w: 1}",
  '  "__proto__": 1',
  '  __proto__: 1',
  '  7: 1',
  '  x: 1',
  '  text: goes',
  '    on',
  ' odd: 1',
  ' - odd',
  '# said',
  '  # said',
  '    # said',
  '',
  '   ',
  '\t',
  '---',
  '...',
  '%YAML 1.2',
  '\ttab: 1',
  "  s: 'it''s'",
  '  t: "a',
  'u: b"',
  '  v: a # b',
  'w: http://a.test/?b&c',
  'x: ["*.a.test"]',
  'y: 1\r',
  'routes:\r',
  '  - cr\r',
  '  - l\rone',
];
const LAST = ['', '\n', '\n\n'];

const TEXT = fc
  .tuple(fc.array(fc.constantFrom(...LINES), { minLength: 1, maxLength: 12 }), fc.constantFrom(...LAST))
  .map(([lines, end]) => lines.join('\n') + end);
/** Lines in an order in which they mostly can be taken apart: a section, with lines of the kind that it may have below it. */
const ITEMS = fc
  .array(
    fc.oneof(
      below('routes:', /^ {2}-| {4}|^$|#/),
      below('services:', /^ {2}["\w]| {4}|^$|#/),
      below('a:', /^ {2}\w| {4}|^$|#/),
      below('b: 1', /^$|#/),
      below('c: |', / {3}|^$/),
      below('routes:\n- a: 1', /^-|^ {2}\w/),
    ),
    { minLength: 1, maxLength: 4 },
  )
  .map((sections) => sections.join('\n'));

function below(head: string, lines: RegExp): fc.Arbitrary<string> {
  const some = LINES.filter((line) => lines.test(line));
  return fc.array(fc.constantFrom(...some), { maxLength: 5 }).map((texts) => [head, ...texts].join('\n'));
}

function* pathsOf(value: unknown, path: Path = []): Generator<Path> {
  yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, content] of Object.entries(value)) {
    yield* pathsOf(content, [...path, Array.isArray(value) ? Number(key) : key]);
  }
}

/** The same in every way in which a text is read: values in their order, and the place of each. Whether it was read by its passages. */
function isRead(passages: Passages, text: string): boolean {
  const taken = passages.read(text);
  if (taken === null) return false;
  const whole = read(text);
  assert.deepEqual(whole.faults, []);
  assert.deepEqual(taken.value, whole.value);
  assert.equal(JSON.stringify(taken.value), JSON.stringify(whole.value));
  for (const path of [...pathsOf(whole.value), ['nothing'], ['routes', 77, 'x'], ['services', 'nothing'], ['a', 'b']]) {
    assert.deepEqual(taken.locator.valueAt(path), whole.locator.valueAt(path));
    for (const spot of ['key', 'value'] as const) {
      assert.deepEqual(taken.locator.locate(path, spot), whole.locator.locate(path, spot), `${spot} of ${path.join()}`);
    }
  }
  return true;
}

function passagesWith(judge: () => Verdict = () => 'sound'): Passages {
  return new Passages({ read, judge });
}

/** Passages, and the texts that are read for them. */
function listening(): { readonly passages: Passages; readonly texts: string[] } {
  const texts: string[] = [];
  const heard = (text: string) => {
    texts.push(text);
    return read(text);
  };
  return { passages: new Passages({ read: heard, judge: () => 'sound' }), texts };
}

describe('a text that is read by its passages', () => {
  it('says what it says as a whole, whatever was read before', () => {
    let taken = 0;
    fc.assert(
      fc.property(fc.array(fc.oneof(TEXT, ITEMS), { minLength: 1, maxLength: 4 }), (texts) => {
        const passages = passagesWith();
        for (const one of [...texts, texts[0] as string]) if (isRead(passages, one)) taken += 1;
      }),
      { seed: SEED, numRuns: samples(5000, 300) },
    );
    assert.ok(taken > samples(5000, 300) / 3, `${taken} were taken apart`);
  });
});

describe('a text that is taken apart', () => {
  it('is so by its sections, and routes and services by their items, wherever these stand', () => {
    const text = [
      '# mine',
      'drain: {delay: 1s}',
      'services: # all',
      '  # one',
      '  s:',
      '    versions: {}',
      '# between',
      '',
      '  t: {}',
      'routes:',
      '- name: a',
      '- name: b',
      '',
    ].join('\n');
    assert.deepEqual(passagesOf(text), [
      { section: 'drain', text: 'drain: {delay: 1s}\n_: 0\n', isItem: false, linesBefore: 1 },
      {
        section: 'services',
        text: 'services:\n  s:\n    versions: {}\n# between\n\n_: 0\n',
        isItem: true,
        linesBefore: 3,
      },
      { section: 'services', text: 'services:\n  t: {}\n_: 0\n', isItem: true, linesBefore: 7 },
      { section: 'routes', text: 'routes:\n- name: a\n_: 0\n', isItem: true, linesBefore: 9 },
      { section: 'routes', text: 'routes:\n- name: b\n', isItem: true, linesBefore: 10 },
    ]);
    assert.ok(isRead(passagesWith(), text));
  });

  for (const [what, text, count] of [
    ['text over several lines', 'a: "x\n  # y\n  z"\nb: 1\n', 2],
    ['a block with empty lines at its end', 'a: |+\n  x\n\n\nb: 1', 2],
    ['a block that looks like items', 'routes:\n- a: |\n    - x\n    - y\n- b: 1\n', 2],
    ['anchors that are used where they are', 'a: [&x 1, *x]\nb: [&x 2, *x]\n', 2],
    ['line ends of DOS', 'a: 1\r\nroutes:\r\n  - b: 2\r\n  - c: 3\r\n', 3],
    ['items in braces', 'services: {s: {}, t: {}}\nroutes: [{a: 1}, {b: 2}]', 2],
    ['more items than a call may have arguments', `routes:\n${'- 1\n'.repeat(300_000)}`, 300_000],
    ['names in quotes, or with digits first', 'services:\n  "s": {}\n  2fa: {}\n  \'t\': {}\n', 3],
    ['names that are none', 'services:\n  s t: {}\n  u: {}\n', 1],
    ['no items', 'routes:\na: 1\n', 2],
  ] as const) {
    it(`has ${what}`, () => {
      assert.equal(passagesOf(text)?.length, count);
      if (count < 10) assert.ok(isRead(passagesWith(), text));
    });
  }

  for (const [what, text] of [
    ['nothing', ''],
    ['nothing but a remark', '# none\n'],
    ['braces around it all', '{a: 1}'],
    ['a mark of bytes', '\ufeffa: 1\n'],
    ['two documents', 'a: 1\n---\nb: 2\n'],
    ['the end of a document', 'a: 1\n...\nb: 2\n'],
    ['a section twice', 'a: 1\na: 2\n'],
    ['a section twice, with items', 'routes:\n  - a: 1\nroutes:\n  - b: 1\n'],
    ['an item twice', 'services:\n  s: {}\n  s: {}\n'],
    ['braces over several lines at the margin', 'a: {x: 1,\nb: 2}\n'],
    ['quotes over several items', 'routes:\n  - "a\n  - b"\n'],
    ['an alias of an anchor elsewhere', 'a: &x 1\nb: *x\n'],
    ['an alias of an anchor in another item', 'routes:\n  - &x {a: 1}\n  - *x\n'],
    ['a tag', 'a: !!str 1\nb: 1\n'],
    ['a variable that is not set', 'a: ${UNSET}\nb: 1\n'],
    ['what is refused only as it goes on', 'a:\n\n# x\n    on\nb: 1\n'],
    ['a list where a mapping goes on', 'services:\n  s: {}\n  - x\n'],
  ] as const) {
    it(`is read as a whole with ${what}`, () => assert.equal(passagesWith().read(text), null));
  }

  it('has as many values as a whole may have, counting what aliases repeat', () => {
    const repeated = (what: string): string => `[${Array.from({ length: 100 }, () => what).join(', ')}]`;
    const bomb = (key: string): string =>
      `${key}:\n  - &x ${repeated('1')}\n  - &y ${repeated('*x')}\n  - ${repeated('*y')}\n`;
    assert.notEqual(passagesWith().read(bomb('a')), null);
    assert.equal(passagesWith().read(bomb('a') + bomb('b')), null);
    assert.equal(read(bomb('a') + bomb('b')).faults[0]?.fault.kind, 'tooComplex');
  });
});

describe('passages that were read before', () => {
  const NEXT = '_: 0\n';
  const ITEM = 'routes:\n  - {name: a}\n';

  it('are read anew where they changed, and nowhere else', () => {
    const { passages, texts } = listening();
    const readIn = (text: string): string[] => {
      passages.read(text);
      return texts.splice(0);
    };
    assert.deepEqual(readIn(`a: 1\n${ITEM}`), [`a: 1\n${NEXT}`, ITEM]);
    assert.deepEqual(readIn(`a: 2\n${ITEM}`), [`a: 2\n${NEXT}`]);
    assert.deepEqual(readIn(`# moved\n\na: 2\n${ITEM}`), []);
    assert.deepEqual(readIn(`a: 2\n${ITEM}  - {name: b}\n`), [ITEM + NEXT, 'routes:\n  - {name: b}\n']);
    assert.deepEqual(readIn(`a: 2\n${ITEM}  - {name: b`), ['routes:\n  - {name: b'], 'a slip');
    assert.deepEqual(readIn(`a: 2\n${ITEM}  - {name: b}\n`), [], 'which is mended');
    assert.deepEqual(readIn(ITEM), [ITEM], 'the others are forgotten');
    assert.deepEqual(readIn(`a: 2\n${ITEM}`), [`a: 2\n${NEXT}`]);
  });

  it('are read again for their places once, however many are looked for', () => {
    const { passages, texts } = listening();
    const locator = passages.read(`a: [1, 2]\n${ITEM}`)?.locator;
    texts.length = 0;
    for (let n = 0; n < 3; n++) {
      assert.deepEqual(locator?.locate(['a', 1], 'value'), { line: 1, column: 8 });
      assert.deepEqual(locator?.locate(['routes', 0, 'name'], 'value'), { line: 3, column: 12 });
    }
    assert.deepEqual(texts, [`a: [1, 2]\n${NEXT}`, ITEM]);
  });

  it('are known also where the text is never sound, whatever it said before', () => {
    const { passages, texts } = listening();
    const countIn = (version: number): number => {
      texts.length = 0;
      const items = Array.from({ length: 8 }, (_, n) => `  - {name: r${n}, version: ${version}}\n`);
      assert.equal(passages.read(`routes:\n${items.join('')}z: *elsewhere\n`), null);
      return texts.length;
    };
    assert.deepEqual([1, 1, 2, 2].map(countIn), [9, 1, 9, 1]);
  });

  it('are the same objects', () => {
    const passages = passagesWith();
    const routesIn = (text: string) => passages.read(text)?.value['routes'] as unknown[];
    const [before, after] = [`${ITEM}  - {name: b}\n`, `${ITEM}  - {name: c}\n`].map(routesIn) as [
      unknown[],
      unknown[],
    ];
    assert.equal(after[0], before[0]);
    assert.deepEqual(before[1], { name: 'b' });
    assert.deepEqual(after[1], { name: 'c' });
  });

  it('are not kept where they are good for once, and end it where they are faulty', () => {
    let count = 0;
    const passages = new Passages({
      read,
      judge: (fields) => {
        count += 1;
        return 'x' in fields ? 'passing' : 'y' in fields ? 'faulty' : 'sound';
      },
    });
    for (const judged of [2, 1, 1]) {
      count = 0;
      assert.deepEqual(passages.read('a: 1\nx: 2\n')?.value, { a: 1, x: 2 });
      assert.equal(count, judged);
    }
    assert.equal(passages.read('a: 1\ny: 2\n'), null);
  });
});
