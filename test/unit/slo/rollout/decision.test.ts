import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, movedDecision, namesOf, noticedBy, overruledDecision } from '#src/slo/rollout/decision.ts';
import { IDLE } from '#src/slo/rollout/machine.ts';
import { sampleDecision } from '../../../support/readings/status.ts';
import { SPEC } from '../../../support/simulate/detection.ts';

const { verdict, certificate } = sampleDecision();
const MEASURED = { decidedAtMs: 100, switchedInMs: 0.5, weightBefore: 5, weightAfter: 0, why: '' } as const;
const EVIDENCE = { watch: 'w', segment: 3, hash: 'ab' } as const;
const FACTS = {
  ...factsOf(verdict, { id: 7, at: '2026-01-01T00:00:00.000Z', shadow: null, ...MEASURED }),
  evidence: EVIDENCE,
};
const noticed = { detectedInMs: (nowMs: number) => nowMs - 40, sampleRequestIds: ['a', 'b'] };
const known = { verdict, limits: null, noticed };

test('a decision names the rollout, the policy in force and its evidence beside its numbers', () => {
  const moved = { rollout: IDLE, kind: 'rollback', trigger: 'person', because: 'it smells' } as const;
  const decision = movedDecision({ ...SPEC, revision: 9 }, { before: IDLE, moved, by: 'api' }, known, FACTS);
  assert.deepEqual(decision, {
    id: 7,
    at: '2026-01-01T00:00:00.000Z',
    kind: 'rollback',
    trigger: 'person',
    sentence: 'checkout: v2 rolled back from the weights of the configuration by api: it smells',
    verdict,
    weightBefore: 5,
    weightAfter: 0,
    switchedInMs: 0.5,
    detectedInMs: 60,
    sampleRequestIds: ['a', 'b'],
    route: 'checkout',
    service: 'shop',
    canary: 'v2',
    stable: 'v1',
    alpha: SPEC.alpha,
    toleratedRatio: SPEC.toleratedRatio,
    revision: 9,
    certificate: { ...certificate, evidence: EVIDENCE },
  });
});

test('a decision about a canary that is judged names the endpoint whose failures were left out, before who is blamed', () => {
  const sick = { ...verdict, errors: { ...verdict.errors, spared: ['10.0.0.7:80'] } };
  const moved = { rollout: IDLE, kind: 'step', trigger: 'gates', because: '' } as const;
  const sentenceOf = (one: typeof known | (Omit<typeof known, 'noticed'> & { noticed: null })): string =>
    movedDecision(SPEC, { before: IDLE, moved, by: '' }, { ...one, verdict: sick }, { ...FACTS, why: 'all of it' })
      .sentence;
  assert.match(sentenceOf(known), /; failures of endpoint 10\.0\.0\.7:80 were left out; all of it$/);
  assert.doesNotMatch(sentenceOf({ ...known, noticed: null }), /left out/);
});

test('what a configuration overrules is told with the verdict that it overrules', () => {
  const decision = overruledDecision(SPEC, null, { ...known, noticed: null }, { ...FACTS, weightAfter: 5 });
  assert.deepEqual([decision.kind, decision.trigger, decision.verdict], ['resume', 'configuration', verdict]);
  assert.match(decision.sentence, /v2 is watched anew at weight 5/);
  assert.match(overruledDecision(SPEC, IDLE, known, FACTS).sentence, /so the rollout that was idle/);
});

test('a rollback tells how long ago the first bad exchange was, and the newest of them', () => {
  const judgement = { detectedInMs: (nowMs: number) => nowMs - 40, sampleRequestIds: ['a', 'b'] };
  assert.deepEqual(noticedBy(judgement, 100), { detectedInMs: 60, sampleRequestIds: ['a', 'b'] });
});

test('names are those of the route and its two versions', () => {
  assert.deepEqual(namesOf(SPEC), { route: 'checkout', stable: 'v1', canary: 'v2' });
});
