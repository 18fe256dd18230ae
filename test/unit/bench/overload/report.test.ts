import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Sample } from '../../../../bench/overload/measure.ts';
import { judge, type Outcome, renderOutcome, renderVerdicts } from '../../../../bench/overload/report.ts';
import { entriesOf, smokeEntries } from '../../../../bench/overload/scenarios.ts';

const SAMPLE: Sample = {
  goodput: 0.97,
  goodputBySecond: [],
  good: [1, 0.9, 0.2, 0],
  refused: 100,
  broken: 0,
  p99Ms: 300,
  amplification: 0.5,
  presentMax: 40,
  cpuRatio: 0.1,
  lateP99Ms: 2,
  noiseRatio: 0,
};

function outcomeAt(factor: number, samples: Outcome['samples']): Outcome {
  const entry = entriesOf(['haproxy', 'sluice'], { factors: [factor], seconds: 10, rateMax: 1e9 }).entries[0];
  return { ...(entry as Outcome), samples };
}

/** Criteria that are not met, without the name of the load. */
function missed(outcome: Outcome): string[] {
  return judge([outcome]).flatMap(({ what, isMet }) => (isMet ? [] : [what.split(': ')[1] as string]));
}

describe('what is promised', () => {
  test('is met by the median of the rounds', () => {
    const worse = { ...SAMPLE, goodput: 0.5 };
    assert.deepEqual(missed(outcomeAt(2, { sluice: [SAMPLE, worse, SAMPLE] })), []);
    assert.deepEqual(missed(outcomeAt(2, { sluice: [SAMPLE, worse, worse] })), ['goodput']);
  });

  test('is nobody refused below what can be served', () => {
    assert.deepEqual(missed(outcomeAt(0.8, { sluice: [SAMPLE] })), ['refused']);
    assert.deepEqual(missed(outcomeAt(0.8, { sluice: [{ ...SAMPLE, refused: 0 }] })), []);
  });

  test('is critical requests, as long as they alone are less than what can be served', () => {
    const some = { ...SAMPLE, good: [0.9, 0, 0, 0] };
    assert.deepEqual(missed(outcomeAt(5, { sluice: [some] })), ['critical']);
    assert.deepEqual(missed(outcomeAt(10, { sluice: [some] })), []);
  });

  test('is more of them than HAProxy answers in the same round', () => {
    const theirs = { ...SAMPLE, good: [0.3, 0.3, 0.3, 0.3] };
    assert.deepEqual(missed(outcomeAt(10, { sluice: [SAMPLE], haproxy: [theirs] })), []);
    assert.deepEqual(missed(outcomeAt(10, { sluice: [theirs], haproxy: [SAMPLE] })), ['critical, more than haproxy']);
  });

  test('is answers in time, and no more requests than were sent', () => {
    const slow = { ...SAMPLE, p99Ms: 501, amplification: 1.2 };
    assert.deepEqual(missed(outcomeAt(2, { sluice: [slow] })), [
      'p99 of what is let through, ms',
      'requests made of one',
    ]);
  });

  test('is worth nothing where the load itself was late, whoever was asked and in whichever round', () => {
    const late = { ...SAMPLE, lateP99Ms: 21 };
    assert.deepEqual(missed(outcomeAt(2, { sluice: [SAMPLE, SAMPLE, late] })), ['the load itself was late, ms']);
    assert.deepEqual(missed(outcomeAt(2, { haproxy: [late], sluice: [SAMPLE] })), ['the load itself was late, ms']);
  });

  test('is what is asked, five seconds after a spike', () => {
    const entry = entriesOf(['sluice'], { factors: [], seconds: 10, rateMax: 1e9 }).entries[0] as Outcome;
    const after = (ratio: number): Sample => ({
      ...SAMPLE,
      goodputBySecond: [...Array<number>(15).fill(0), 0.85 * ratio],
    });
    assert.equal(judge([{ ...entry, samples: { sluice: [after(0.96)] } }])[0]?.isMet, true);
    assert.equal(judge([{ ...entry, samples: { sluice: [after(0.94)] } }])[0]?.isMet, false);
  });
});

test('a table has a line for everybody, and a verdict its figures', () => {
  const [entry] = smokeEntries(['haproxy', 'sluice']).entries;
  const outcome = { ...(entry as Outcome), samples: { haproxy: [SAMPLE], sluice: [SAMPLE] } };
  assert.match(
    renderOutcome(outcome),
    /^20 servers of 50 ms at 2\n.*goodput.*critical.*\nhaproxy +0\.970.*\nsluice +0\.970/,
  );
  assert.match(
    renderVerdicts(judge([outcome])),
    /^PASS {2}20 servers of 50 ms at 2: goodput +0\.970 \(0\.970\.\.0\.970\) +at least 0\.95/m,
  );
});
