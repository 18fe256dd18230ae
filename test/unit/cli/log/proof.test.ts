import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { proofLines } from '#src/cli/log/proof.ts';
import { sampleDecision, sampleVerdict } from '../../../support/readings/status.ts';
import { NO_LATENCY, SLOWER } from '../../../support/readings/verdict.ts';
import { convicted, revertOf } from '../../../support/state/reverts.ts';

suite('the proof of a decision', () => {
  test('has both arms in both units, the evidence, how fast it was, and requests', () => {
    const requests = { canary: { finished: 200, bad: 12 }, stable: { finished: 800, bad: 0 } };
    const users = { canary: { finished: 90, bad: 11 }, stable: { finished: 0, bad: 0 } };
    const verdict = sampleVerdict({ state: 'fail', logE: 9.5, logEToFail: 6.91, requests, users });
    const text = proofLines(sampleDecision({ verdict, sampleRequestIds: ['ab12'] })).join('\n');
    assert.match(text, /^canary v2 +200 +12 +6 % +90 +11 +12\.2 %$/m);
    assert.match(text, /^stable v1 +800 +0 +0 % +0 +0 +-$/m);
    assert.match(text, /^decided {2}2026-11-01T08:01:10\.000Z, by evidence: decision 1, configuration revision 3$/m);
    assert.match(
      text,
      /^weight {3}20 to 0 of the canary; 640 ms from the first bad answer to the decision, 0\.02 ms to the switch$/m,
    );
    assert.match(text, /^verdict {2}fail: 9\.50 of 6\.91 nats against the canary \(errors .*alpha 0\.001, 1\.5 times/m);
    assert.match(text, /^requests ab12$/m);
    assert.doesNotMatch(text, /latency {2}p|missing|broken/);
  });

  test('says what is missing, what is broken and how slow it was only where that is so', () => {
    const shortfall = { of: 'canary requests', needed: 100, seen: 12 } as const;
    const latency = { ...NO_LATENCY, at: SLOWER };
    const verdict = sampleVerdict({ shortfall, fault: 'clock', latency });
    const text = proofLines(sampleDecision({ verdict, detectedInMs: -1 })).join('\n');
    assert.match(text, /^missing {2}100 canary requests needed, 12 seen$/m);
    assert.match(text, /^broken {3}clock$/m);
    assert.match(text, /^latency {2}p\d+ of the canary \S+ ms, of stable \S+ ms; \d+ of \d+ slower than \S+ ms$/m);
    assert.doesNotMatch(text, /from the first bad answer/);
  });

  test('of a reverted configuration it is what was counted against what is tolerated', () => {
    const conviction = convicted(7, { routes: 3, before: 0.001, after: 0.5 });
    assert.ok(conviction !== null);
    const revert = revertOf(conviction);
    const text = proofLines(revert).join('\n');
    assert.match(text, /^decided {2}\S+, by evidence: decision \d+$/m);
    assert.ok(text.includes(`counted  ${revert.failed} of ${revert.finished} `), text);
    assert.match(text, /^reverted #[0-9a-z]+ to #[0-9a-z]+ in \d+ ms$/m);
  });
});
