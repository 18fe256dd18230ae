import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { mainDocument } from '#src/sources/document/pieces.ts';
import { IN_PLACE_CHARS_MAX, Parser } from '#src/sources/parser.ts';

const FILE = new URL('../../support/stores/parser-thread.ts', import.meta.url);

function rig(t: TestContext, timeoutMs = 60_000) {
  const deaths: string[] = [];
  const parser = new Parser({
    file: FILE,
    setup: { environment: {} },
    parseHere: () => ({ ok: false, problems: [] }),
    onDeath: (because) => deaths.push(because),
    timeoutMs,
  });
  t.after(() => parser.close());
  /** A document too large to be parsed in place. */
  const parse = (text: string): Promise<unknown> => {
    return parser.parse([mainDocument(text.padEnd(IN_PLACE_CHARS_MAX + 1), 'a.yaml')]);
  };
  return { parser, parse, deaths };
}

describe('parsing', () => {
  test('is done in place for what is small, and in a thread that is kept for what is not', async (t) => {
    const { parser, parse } = rig(t);
    assert.deepEqual(await parser.parse([mainDocument('small', 'a.yaml')]), { ok: false, problems: [] });
    assert.deepEqual(await parse('one'), { text: 'one', jobs: 1 });
    assert.deepEqual(await parse('two'), { text: 'two', jobs: 2 });
  });

  test('is one job at a time, and of those that wait the newest', async (t) => {
    const { parser, parse } = rig(t);
    const first = parse('slow');
    const second = parse('two');
    // Small, but later: it must not overtake what was asked before.
    const third = parser.parse([mainDocument('three', 'a.yaml')]);
    assert.deepEqual(await Promise.all([first, second, third]), [
      { text: 'slow', jobs: 1 },
      null,
      { text: 'three', jobs: 2 },
    ]);
  });

  test('goes on in a new thread when one died, and gives up a document that kills two', async (t) => {
    const { parse, deaths } = rig(t);
    await assert.rejects(parse('die'), { code: 'SLU_CONFIG_INVALID', message: /asked to die/ });
    assert.deepEqual(deaths, ['asked to die', 'asked to die']);
    assert.deepEqual(await parse('next'), { text: 'next', jobs: 1 });
  });

  test('that takes too long is ended', async (t) => {
    const { parse } = rig(t, 300);
    await assert.rejects(parse('hang'), { code: 'SLU_CONFIG_INVALID', message: /no result within 300 ms/ });
  });

  test('is answered with nothing when everything closes', async (t) => {
    const { parser, parse } = rig(t);
    const jobs = [parse('slow'), parse('two')];
    await parser.close();
    assert.deepEqual(await Promise.all([...jobs, parse('late')]), [null, null, null]);
  });
});
