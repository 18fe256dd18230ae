/** What becomes of answers that workers have taken: compared within a share of the processor, told once, without a value. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Mirrors } from '#src/compose/watches/mirrors/mirrors.ts';
import { noneUncompared, type TakenAnswers } from '#src/model/threads/requests/compared.ts';
import { jsonAnswer, threeAnswers } from '../../../../support/clients/answers.ts';

type Follow = Parameters<Mirrors['follow']>[0];

function configOf(compare: object | undefined = {}, version = 'v2'): Follow {
  const settings = compare && { bodyBytesMax: 65_536, ignoreHeaders: [], ...compare };
  const mirror = { service: 'shop', version, ratio: 1, ...(settings && { compare: settings }) };
  const routes = [
    { name: 'shop', filters: { mirror } },
    { name: 'other', filters: { mirror: null } },
  ];
  return { routes } as unknown as Follow;
}

/** Each comparison costs `costMs` of a processor whose clock only these tests turn. */
function mirrorsOf(t: TestContext, costMs = 0) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const lines: Record<string, unknown>[] = [];
  const defects: unknown[] = [];
  let cpuMs = 0;
  let nowMs = 0;
  const mirrors = new Mirrors({
    log: { warn: (event, fields) => void lines.push({ event, ...fields }) },
    defects: { note: (part, error, about) => void defects.push([part, error, about]) },
    nowMs: () => nowMs,
    cpuMs: () => (cpuMs += costMs),
  });
  mirrors.follow(configOf());
  const pass = (ms: number): void => {
    for (const end = nowMs + ms; nowMs < end; ) {
      nowMs += 10;
      t.mock.timers.tick(10);
    }
  };
  return { mirrors, lines, defects, pass };
}

const TYPE_CHANGED = threeAnswers(
  jsonAnswer({ price: 12.5, id: 'a' }),
  jsonAnswer({ price: 12.5, id: 'b' }),
  jsonAnswer({ price: 'Alice’s secret', id: 'c' }),
);
const times = (count: number, one: TakenAnswers = TYPE_CHANGED): TakenAnswers[] =>
  Array.from({ length: count }, () => one);
const UNCOMPARED = { ...noneUncompared(), memory: 2, mirror_truncated: 1 };
const NOTHING = new Map<string, never>();

describe('mirrors', () => {
  it('tell a real difference once, with its numbers, and never a value', (t) => {
    const { mirrors, lines } = mirrorsOf(t);
    let taken = 0;
    mirrors.take({ answers: times(40), uncompared: new Map([['shop', UNCOMPARED]]) }, () => taken++);
    assert.equal(taken, 1);
    assert.deepEqual(
      lines.map(({ event, candidate, place, compared, differs, second }) => {
        return [event, candidate, place, compared, differs, second];
      }),
      [['mirror_differs', 'shop/v2', '$.price number -> string', 10, 10, 0]],
    );
    const [status] = mirrors.status;
    assert.deepEqual(status?.uncompared, UNCOMPARED);
    assert.deepEqual(
      [status?.route, status?.candidate, status?.compared, status?.skipped, status?.failed, status?.real],
      ['shop', 'shop/v2', 40, 2, 1, 1],
    );
    assert.equal(
      status?.sentence,
      '40 of 40 answers of shop/v2 differ where the version differs from itself in 0: $.price number -> string',
    );
    assert.deepEqual(
      status.differences.map(({ path, candidate, second }) => [path, candidate, second]),
      [
        ['$.price', 40, 0],
        ['$.id', 40, 40],
      ],
    );
    assert.doesNotMatch(JSON.stringify([lines, mirrors.status]), /secret|12\.5/);
  });

  it('show a place only once answers have differed there in ten requests', (t) => {
    const { mirrors } = mirrorsOf(t);
    const paths = (): (string | undefined)[] => mirrors.status[0]?.differences.map(({ path }) => path) ?? [];
    const named = threeAnswers(jsonAnswer({}), jsonAnswer({}), jsonAnswer({ johnsmith: 1 }));
    mirrors.take({ answers: [named, ...times(9)], uncompared: NOTHING }, () => undefined);
    assert.deepEqual(paths(), []);
    mirrors.take({ answers: times(1), uncompared: NOTHING }, () => undefined);
    assert.deepEqual(paths(), ['$.price', '$.id']);
    mirrors.take({ answers: times(30), uncompared: NOTHING }, () => undefined);
    assert.deepEqual(paths(), ['$.price', '$.id']);
  });

  it('have a share of the processor: workers wait for their word until they have compared', (t) => {
    const { mirrors, pass } = mirrorsOf(t, 10);
    let taken = 0;
    mirrors.take({ answers: times(20), uncompared: NOTHING }, () => taken++);
    const [first] = mirrors.status;
    assert.ok(first !== undefined && first.compared < 20, String(first?.compared));
    pass(1000);
    const compared = mirrors.status[0]?.compared ?? 0;
    assert.ok(compared < 20, String(compared));
    assert.equal(taken, 0);
    pass(20_000);
    assert.deepEqual([mirrors.status[0]?.compared, taken], [20, 1]);
  });

  it('begin anew when one leads elsewhere or compares otherwise, and forget those that are gone', (t) => {
    const { mirrors } = mirrorsOf(t);
    const compared = (): number | undefined => mirrors.status[0]?.compared;
    const take = (): void => mirrors.take({ answers: times(3), uncompared: NOTHING }, () => undefined);
    take();
    mirrors.follow(configOf());
    assert.equal(compared(), 3);
    mirrors.follow(configOf({ ignoreHeaders: ['x-build'] }));
    assert.equal(compared(), 0);
    mirrors.follow(configOf({}, 'v3'));
    take();
    assert.equal(compared(), 0, 'answers of v2');
    mirrors.follow(configOf(undefined, 'v2'));
    mirrors.follow({ routes: [] });
    take();
    assert.deepEqual(mirrors.status, []);
  });

  it('contain what nothing expected', (t) => {
    const { mirrors, defects } = mirrorsOf(t);
    const broken = { ...TYPE_CHANGED, second: null } as unknown as TakenAnswers;
    let taken = 0;
    mirrors.take({ answers: [broken, TYPE_CHANGED], uncompared: NOTHING }, () => taken++);
    assert.deepEqual([defects.length, mirrors.status[0]?.compared, taken], [1, 1, 1]);
  });

  it('compare no more once they are closed', (t) => {
    const { mirrors, pass } = mirrorsOf(t, 10);
    mirrors.take({ answers: times(20), uncompared: NOTHING }, () => undefined);
    const { compared } = mirrors.status[0] ?? {};
    mirrors.close();
    pass(20_000);
    assert.equal(mirrors.status[0]?.compared, compared);
  });
});
