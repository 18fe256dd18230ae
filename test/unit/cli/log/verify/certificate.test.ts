/** Each number of a decision is compared with its own derivation. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { certificateFaults, isSame, verdictFaults } from '#src/cli/log/verify/certificate.ts';
import { Judge, policyOf, Scene } from '#src/cli/log/verify/judge.ts';
import { sampleDecision } from '../../../../support/readings/status.ts';
import { SPEC } from '../../../../support/simulate/detection.ts';

const facts = {
  id: 1,
  at: '2026-11-01T08:01:10.000Z',
  shadow: null,
  decidedAtMs: 700,
  switchedInMs: 0.02,
  weightBefore: 20,
  weightAfter: 0,
  why: '',
  canaryMs: null,
  stableMs: null,
};
const evidence = { watch: 'w', segment: 1, hash: 'ab' };

test('what was made up disagrees with what was seen', () => {
  const derived = { terms: SPEC, judge: new Judge(policyOf(SPEC), 0), scene: new Scene([1], 0), facts, evidence };
  const decision = sampleDecision();
  const said = verdictFaults(decision.verdict, derived).join('\n');
  assert.match(said, /^state is "fail", its evidence says "no-traffic"$/m);
  assert.match(said, /^requests is \[/m);
  const rest = certificateFaults(decision, derived).join('\n');
  assert.match(rest, /^service is "checkout", its evidence says "shop"$/m);
  assert.match(rest, /^certificate.evidence is null/m);
  assert.match(rest, /^detectedInMs is 640, its evidence says -1$/m);
  assert.match(rest, /its sentence does not say/);
  assert.doesNotMatch(rest, /^weightBefore|^alpha|^id /m);
});

test('values are the same whatever the order of their keys', () => {
  assert.equal(isSame({ a: 1, b: { c: [1, 2], d: null } }, { b: { d: null, c: [1, 2] }, a: 1 }), true);
  assert.equal(isSame({ a: 1 }, { a: 2 }), false);
});
