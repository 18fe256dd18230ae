/** Every decision of a real history is verified, and whatever is changed in it is found. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Audit, audit } from '#src/cli/log/verify/audit.ts';
import { once } from '#src/lib/once.ts';
import type { Decision } from '#src/model/slo.ts';
import type { LogLine } from '#src/model/threads/state.ts';
import { IS_QUICK } from '../../../../support/runner/depth.ts';
import {
  type History,
  QUICK_FOUND,
  QUICK_SEVERAL,
  Recorded,
  wildHistory,
} from '../../../../support/simulate/watch/recorded.ts';
import { linesOf } from '../../../../support/state/lines.ts';
import { convicted, revertOf } from '../../../../support/state/reverts.ts';

const SEEDS = IS_QUICK ? 1 : 40;
/** Of the fields of a decision every so many is changed, and the sentence always. */
const FIELD_STEP = IS_QUICK ? 60 : 1;

/** Nobody changes it. */
const history = once((): History => wildHistory(6, 900));

function resultsOf({ decisions }: Audit): string[] {
  return decisions.map(({ result }) => result);
}

describe('an untouched log', () => {
  it('is verified in every decision, whatever happened', (t) => {
    let count = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { decisions, segments } = wildHistory(seed, 1500);
      const result = audit(linesOf(decisions, segments));
      const faults = result.decisions.filter(({ result: one }) => one !== 'verified');
      assert.deepEqual([result.damages, faults], [[], []], `seed ${seed}`);
      assert.equal(result.ok, true);
      count += decisions.length;
    }
    t.diagnostic(`${count} decisions of seeds 1..${SEEDS}`);
    assert.ok(count >= 9 * SEEDS);
  });
});

describe('the log of a rollout whose endpoints come and go', () => {
  it('is verified in every decision, whatever happened', () => {
    for (let seed = 1; seed <= Math.max(2, Math.ceil(SEEDS / 2)); seed++) {
      const { decisions, segments } = wildHistory(seed, 1500, QUICK_FOUND);
      const result = audit(linesOf(decisions, segments));
      const faults = result.decisions.filter(({ result: one }) => one !== 'verified');
      assert.deepEqual([result.damages, faults], [[], []], `seed ${seed}`);
    }
  });
});

describe('the log of a rollout of several routes', () => {
  it('is verified in every decision, whatever happened', () => {
    for (let seed = 1; seed <= Math.ceil(SEEDS / 4); seed++) {
      const { decisions, segments } = wildHistory(seed, 1500, QUICK_SEVERAL);
      const result = audit(linesOf(decisions, segments));
      const faults = result.decisions.filter(({ result: one }) => one !== 'verified');
      assert.deepEqual([result.damages, faults], [[], []], `seed ${seed}`);
    }
  });

  it('is refuted when the numbers of a route, or its name, are others', () => {
    const gateway = new Recorded(3, QUICK_SEVERAL, { canaryErrorRatio: 0.5, badRoute: 'pay' });
    for (let n = 0; n < 500 && gateway.decisions.at(-1)?.kind !== 'rollback'; n++) gateway.tick();
    const { decisions, segments } = gateway.end();
    const at = decisions.findIndex(({ kind, trigger }) => kind === 'rollback' && trigger === 'evidence');
    const victim = decisions[at] as Decision;
    const paths = leavesOf(victim.verdict.routes, ['verdict', 'routes']);
    assert.equal(paths.length, 3 * (1 + 4 + 8));
    for (const path of paths) {
      const forged = decisions.map((decision, n) => (n === at ? (changed(victim, path) as Decision) : decision));
      assert.equal(resultsOf(audit(linesOf(forged, segments)))[at], 'refuted', path.join('.'));
    }
    const { routes: _, ...verdict } = victim.verdict;
    const bare = decisions.map((decision, n) => (n === at ? { ...victim, verdict } : decision));
    assert.equal(resultsOf(audit(linesOf(bare, segments)))[at], 'refuted');
  });
});

/** Every leaf of a value, as a path. */
function leavesOf(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const entries = Object.entries(value);
  return entries.length === 0 ? [path] : entries.flatMap(([key, inner]) => leavesOf(inner, [...path, key]));
}

/** The value with one leaf changed. */
function changed(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) {
    if (typeof value === 'number') return value + 0.001 * Math.max(1, Math.abs(value));
    if (typeof value === 'boolean') return !value;
    return typeof value === 'string' ? `x${value}` : 7;
  }
  if (Array.isArray(value))
    return (value as readonly unknown[]).map((inner, n) => (String(n) === key ? changed(inner, rest) : inner));
  const record = value as Readonly<Record<string, unknown>>;
  return { ...record, [key]: changed(record[key], rest) };
}

describe('a decision of which a single field was changed', () => {
  const { decisions, segments } = history();
  const at = decisions.findIndex(({ kind, trigger }) => kind === 'rollback' && trigger === 'evidence');
  const victim = decisions[at] as Decision;

  it('is found by its hash, whichever field it is', () => {
    const lines = linesOf(decisions, segments);
    for (const path of leavesOf(victim).filter((_path, n) => n % FIELD_STEP === 0)) {
      const body = JSON.stringify(changed(victim, path));
      const tampered = lines.map((line, n) => (n === at && line.kind === 'decision' ? { ...line, body } : line));
      const { ok, damages } = audit(tampered);
      const [first] = damages;
      assert.equal(ok, false, path.join('.'));
      assert.deepEqual(first, { where: `decision ${at + 1}`, what: 'its hash does not belong to its content' });
    }
  });

  it('is refuted by its evidence even when the whole chain was made anew', () => {
    const tried = leavesOf(victim).filter(([name], n) => name === 'sentence' || n % FIELD_STEP === 0);
    const missed = tried.filter((path) => {
      const forged = decisions.map((decision, n) => (n === at ? (changed(victim, path) as Decision) : decision));
      return audit(linesOf(forged, segments)).ok;
    });
    // Of the sentence only the names, the counts and who is blamed are compared.
    assert.deepEqual(
      missed.map((path) => path.join('.')),
      ['sentence'],
    );
  });

  it('is refuted when its sentence blames somebody else', () => {
    const sentence = victim.sentence.replace('127.0.0.1:9001', '127.0.0.1:9002');
    assert.notEqual(sentence, victim.sentence);
    const forged = decisions.map((decision, n) => (n === at ? { ...victim, sentence } : decision));
    assert.equal(audit(linesOf(forged, segments)).ok, false);
  });
});

describe('a log that was', () => {
  const { decisions, segments } = history();
  const lines = linesOf(decisions, segments);
  const isDecision = (line: LogLine): boolean => line.kind === 'decision';

  it('cut short is found by its head', () => {
    const cut = lines.filter((line) => line.kind !== 'decision' || line.seq < decisions.length);
    const { ok, damages } = audit(cut);
    assert.equal(ok, false);
    assert.match(
      damages.map(({ where, what }) => `${where}: ${what}`).join('\n'),
      new RegExp(
        `^log: the log should have decision ${decisions.length} with hash [0-9a-f]{12} \\(the log says so itself\\)`,
        'm',
      ),
    );
  });

  it('cut short together with its head is found by what was known, and by its tape', () => {
    const head = lines.find(({ kind }) => kind === 'head') as { seq: number; hash: string };
    const shorter = linesOf(decisions.slice(0, -1), segments);
    const { damages } = audit(shorter, { seq: head.seq, hash: head.hash });
    assert.match(damages[0]?.what ?? '', /as you said\) and ends at/);
    assert.match(damages[1]?.what ?? '', /is on its tape and not in the log/);
    const other = audit(lines, { seq: head.seq, hash: 'f'.repeat(64) });
    assert.match(other.damages[0]?.what ?? '', /and has another one/);
    assert.equal(audit(lines, head).ok, true);
  });

  it('put in another order, or robbed of a row, is found', () => {
    const [first, second, ...rest] = lines as [LogLine, LogLine, ...LogLine[]];
    const swapped = audit([second, first, ...rest]);
    assert.deepEqual(swapped.damages[0]?.where, 'decision 2');
    assert.match(swapped.damages[0]?.what ?? '', /rows are missing, or in another order/);
    assert.equal(audit([first, ...rest]).damages[0]?.where, 'decision 3');
  });

  it('given another tape is found', () => {
    const flipped = lines.map((line) => {
      if (line.kind !== 'segment' || line.number !== 2) return line;
      const bytes = Uint8Array.from(line.bytes);
      bytes[4] = (bytes[4] as number) ^ 1;
      return { ...line, bytes };
    });
    const { ok, damages } = audit(flipped);
    assert.equal(ok, false);
    assert.match(damages[0]?.where ?? '', /^segment 2 of the tape /);
    assert.equal(damages[0]?.what, 'its hash does not belong to its content');
  });

  it('robbed of its tapes is not verified: refuted where none was let go, without evidence where they were', () => {
    const bare = lines.filter(({ kind }) => kind !== 'segment');
    assert.deepEqual(new Set(resultsOf(audit(bare))), new Set(['refuted']));
    const watches = new Set(segments.map(({ watch }) => watch));
    const losses = [...watches].map((watch): LogLine => ({ kind: 'letGo', watch, route: 'checkout', segments: 9 }));
    const gone = audit([...bare, ...losses]);
    assert.deepEqual([gone.ok, new Set(resultsOf(gone))], [true, new Set(['unfounded'])]);
    const [watch] = watches;
    const one: LogLine = { kind: 'letGo', watch: watch as string, route: 'checkout', segments: 1 };
    const cut = lines.filter((line) => line.kind !== 'segment' || line.watch !== watch || line.number > 1);
    const at = cut.findIndex(({ kind }) => kind === 'segment');
    const beheaded = audit([...cut.slice(0, at), one, ...cut.slice(at)]);
    assert.equal(beheaded.ok, true);
    assert.ok(resultsOf(beheaded).includes('unfounded') && resultsOf(beheaded).includes('verified'));
  });

  it('of a release without certificates, or without tapes, has no evidence', () => {
    const old = decisions.map(({ certificate, ...decision }, n) =>
      n === 0 ? decision : { ...decision, certificate: { ...certificate, evidence: null } },
    ) as Decision[];
    const result = audit(linesOf(old, []));
    assert.deepEqual([result.ok, new Set(resultsOf(result))], [true, new Set(['unfounded'])]);
    assert.match(result.decisions[0]?.faults[0] ?? '', /without certificates/);
    assert.ok(lines.some(isDecision));
  });
});

describe('a decision that nobody was to make', () => {
  it('is refuted: a step without its gates, a rollback without its evidence', () => {
    const { decisions, segments } = history();
    const forge = (change: (decision: Decision) => Decision, at: number): readonly string[] => {
      const forged = decisions.map((decision, n) => (n === at ? change(decision) : decision));
      return audit(linesOf(forged, segments)).decisions[at]?.faults ?? [];
    };
    const step = decisions.findIndex(({ kind }) => kind === 'step' || kind === 'bake');
    assert.match(forge((one) => ({ ...one, kind: 'succeed' }), step).join(), /succeed by gates was not to be/);
    assert.match(
      forge((one) => ({ ...one, kind: 'rollback', trigger: 'evidence', weightAfter: 0 }), step).join(),
      /rollback by evidence was not to be: its evidence does not convict/,
    );
  });
});

describe('a log with a revert of a configuration', () => {
  const conviction = convicted(1, { routes: 3, before: 0.01, after: 1 });
  assert.ok(conviction !== null);
  const { decisions, segments } = history();
  const revert = revertOf(conviction, decisions.length + 1);

  it('is verified with it, and finds what was changed in it', () => {
    const result = audit(linesOf([...decisions, revert], segments));
    assert.deepEqual([result.ok, result.damages, resultsOf(result).at(-1)], [true, [], 'verified']);
    const forged = { ...revert, failed: 0 };
    const found = audit(linesOf([...decisions, forged], segments));
    assert.deepEqual([found.ok, resultsOf(found).at(-1)], [false, 'refuted']);
  });

  it('says so where its evidence was not kept', () => {
    const late = { ...revert, certificate: { ...revert.certificate, turns: null } };
    const result = audit(linesOf([...decisions, late], segments));
    assert.deepEqual([result.ok, resultsOf(result).at(-1)], [true, 'unfounded']);
  });
});
