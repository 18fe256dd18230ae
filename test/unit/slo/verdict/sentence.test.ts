/** Sentences: honest numbers, never rounded across the line they are compared with. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ArmCounts, Evidence, Verdict } from '#src/model/slo.ts';
import {
  percent,
  progressSentence,
  promotionSentence,
  resumeSentence,
  rollbackSentence,
  sparedWords,
} from '#src/slo/verdict/sentence.ts';
import { type VerdictParts, verdictOf } from '#src/slo/verdict/verdict.ts';
import { NOT_PASSED, parts, SLOWER } from '../../../support/readings/verdict.ts';

const NAMES = { route: 'checkout', stable: 'v1', canary: 'v2' };
const POLICY = { alpha: 0.001, badMin: 3 };

/** A verdict with this evidence altogether: latency says nothing. */
function verdict(logE: number, canary: ArmCounts, stable: ArmCounts, more: Partial<VerdictParts> = {}): Verdict {
  const evidence: Evidence = { requests: { canary, stable }, users: { canary, stable } };
  const errors = Math.log((Math.exp(logE) - 0.3) / 0.7);
  return verdictOf(parts(errors, errors + 1, more), evidence, POLICY);
}

describe('what a step waits for', () => {
  it('is so many good requests, or nothing any more', () => {
    assert.equal(promotionSentence(false, 19, null), '19 more good requests prove it sound');
    assert.equal(promotionSentence(false, Number.POSITIVE_INFINITY, null), 'not proven sound yet');
    assert.equal(promotionSentence(true, 0, null), 'proven not to be worse');
  });

  it('is not decided while the evidence is not believed, or convicts', () => {
    assert.equal(promotionSentence(false, 0, 'counters'), 'not judged now: the counters do not add up');
    assert.equal(promotionSentence(false, 0, null), 'proven not to be worse, but the evidence against it convicts');
  });
});

describe('the sentence of a rollback', () => {
  it('says what failed, against what, and how sure it is', () => {
    const fail = verdict(11.24, { finished: 301, bad: 64 }, { finished: 6000, bad: 12 });
    assert.equal(
      rollbackSentence(NAMES, fail, 0.001),
      'checkout: v2 rolled back: 64 of 301 requests failed (21.3 %) against 0.2 % on v1; ' +
        'evidence 11.2 nats > 6.9 needed for alpha 0.001, in requests and in user-seconds alike',
    );
  });

  it('shows as many digits as it takes to see that the evidence suffices', () => {
    const fail = verdict(6.921, { finished: 4, bad: 4 }, { finished: 76, bad: 0 });
    assert.match(
      rollbackSentence(NAMES, fail, 0.001),
      /4 of 4 requests failed \(100 %\) against 0 % on v1; evidence 6\.92 nats > 6\.91 /,
    );
  });
});

describe('the sentence of a rollback on several routes', () => {
  const all = [
    { finished: 301, bad: 12 },
    { finished: 6000, bad: 12 },
  ] as const;
  const own = { canary: { finished: 14, bad: 11 }, stable: { finished: 280, bad: 0 } };
  const sentenceOf = (logE: number): string => {
    const part = { logERequests: logE, logEUsers: logE, logEAbsolute: null, requests: own, users: own };
    return rollbackSentence(NAMES, verdict(11.24, ...all, { routes: [{ route: 'pay', logE, ...part }] }), 0.001);
  };

  it('names the one on which the canary fails, and the numbers there', () => {
    assert.match(
      sentenceOf(11),
      /^checkout: v2 rolled back: on pay 11 of 14 requests failed \(78\.6 %\) against 0 % on v1, 12 of 301 on all 1 routes; evidence /,
    );
  });

  it('speaks of all where it fails on more than one', () => {
    assert.match(
      sentenceOf(3),
      /^checkout: v2 rolled back: 12 of 301 requests failed \(4\.0 %\) against 0\.2 % on v1; /,
    );
  });
});

describe('an endpoint whose failures were left out', () => {
  const counts = [
    { finished: 301, bad: 64 },
    { finished: 6000, bad: 12 },
  ] as const;
  const spare = (logE: number, ...spared: readonly (string | number)[]): Verdict => {
    const one = verdict(logE, ...counts);
    return { ...one, errors: { ...one.errors, spared } };
  };

  it('is named, whether the canary goes on or not', () => {
    assert.match(
      progressSentence(NAMES, spare(1, '10.0.0.7:80')),
      /; failures of endpoint 10\.0\.0\.7:80 were left out$/,
    );
    assert.match(
      rollbackSentence(NAMES, spare(11, 'a:80', 'a:80', 'b:80'), 0.001),
      /in user-seconds alike; failures of the endpoints a:80, b:80 were left out 3 times$/,
    );
  });

  it('has no name in what an earlier release wrote', () => {
    assert.equal(sparedWords(spare(1, 4, 7)), '');
    assert.equal(sparedWords(spare(1)), '');
  });
});

describe('the sentence of a rollback for slowness', () => {
  const arms = [
    { finished: 120, bad: 1 },
    { finished: 2300, bad: 20 },
  ] as const;
  const slow = (at = SLOWER) => verdict(0, ...arms, { latency: { logE: 12.5, isJudged: true, at } });

  it('says at which quantile, how slow, and how many were too slow', () => {
    assert.equal(
      rollbackSentence(NAMES, slow(), 0.001),
      'checkout: v2 rolled back: p95 412 ms against 120 ms on v1; 34 of 120 requests took over 132 ms (28.3 %), ' +
        "5.1 % of v1's over 120 ms; evidence 11.3 nats > 6.9 needed for alpha 0.001",
    );
  });

  it('does not show a quantile below the limit for what hangs and has none yet', () => {
    for (const canaryMs of [null, 80]) {
      const text = rollbackSentence(NAMES, slow({ ...SLOWER, canaryMs, quantile: 0.999 }), 0.001);
      assert.match(text, /: p99\.9 > 132 ms against 120 ms on v1; /);
    }
  });
});

describe('the sentence of a rollout that goes on', () => {
  const progress = (logE: number, canary: ArmCounts, stable: ArmCounts, more: Partial<VerdictParts> = {}): string =>
    progressSentence(NAMES, verdict(logE, canary, stable, more));

  it('shows the comparison and how far the evidence is', () => {
    assert.equal(
      progress(-0.04, { finished: 300, bad: 3 }, { finished: 6000, bad: 55 }),
      'checkout: v2 is watched: 3 of 300 requests failed (1.0 %) against 0.9 % on v1; evidence 0.0 of 6.9 nats; ' +
        '919 more good requests prove it sound',
    );
  });

  it('says when the canary is proven sound, and nothing when it cannot be', () => {
    const [canary, stable] = [
      { finished: 3000, bad: 3 },
      { finished: 6000, bad: 55 },
    ];
    const passed = { promotion: { ...NOT_PASSED, isPassed: true } };
    assert.match(progress(0, canary, stable, passed), / nats; proven not to be worse$/);
    const never = { promotion: { ...NOT_PASSED, goodNeeded: null } };
    assert.match(progress(0, canary, stable, never), / nats$/);
  });

  it('says why nothing is judged', () => {
    const some = { finished: 50, bad: 0 };
    const down = { finished: 50, bad: 50 };
    assert.equal(
      progress(0, some, down, { fault: 'stable-down' }),
      'checkout: v2 is watched: not judged now: every request to the stable version fails, so there is nothing to ' +
        'compare with',
    );
  });

  it('names the arm without traffic', () => {
    const some = { finished: 12, bad: 0 };
    const none = { finished: 0, bad: 0 };
    assert.equal(progress(0, none, some), 'checkout: v2 is watched: no request to it yet, 12 to v1');
    assert.equal(progress(0, some, none), 'checkout: v2 is watched: no request to v1 to compare with, 12 to v2');
  });

  it('names what is too few, with the count needed and seen', () => {
    const many = { finished: 400, bad: 0 };
    assert.equal(
      progress(0, { finished: 2, bad: 2 }, many),
      'checkout: v2 is watched: 2 of 3 canary requests needed to judge',
    );
    assert.equal(
      progress(9, { finished: 20, bad: 2 }, many),
      'checkout: v2 is watched: 2 of 3 bad canary requests needed to judge',
    );
  });
});

describe('the sentence of a resumption', () => {
  it('says who wanted it', () => {
    assert.equal(
      resumeSentence(NAMES, 5),
      'checkout: v2 is watched anew at weight 5: its split was changed after the rollback',
    );
  });
});

describe('a share', () => {
  it('is 0 % or 100 % only when it is', () => {
    assert.equal(percent({ finished: 10, bad: 0 }), '0 %');
    assert.equal(percent({ finished: 10, bad: 10 }), '100 %');
    assert.equal(percent({ finished: 100_000, bad: 99_999 }), '> 99.9 %');
    assert.equal(percent({ finished: 100_000, bad: 1 }), '0.001 %');
    assert.equal(percent({ finished: 100_000, bad: 42 }), '0.04 %');
  });

  it('is one decimal otherwise', () => {
    assert.equal(percent({ finished: 3, bad: 1 }), '33.3 %');
    assert.equal(percent({ finished: 1000, bad: 1 }), '0.1 %');
  });

  it('of nothing is no data', () => {
    assert.equal(percent({ finished: 0, bad: 0 }), 'no data');
  });
});
