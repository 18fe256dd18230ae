/** Rows of checks that put an endpoint out and in. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { afterCheck, type CheckResult, type CheckVerdict, sentenceOf, UNKNOWN } from '#src/health/checks/verdict.ts';
import { CHECK } from '../../../support/simulate/health.ts';

/** Kinds after each of the results: `.` passed, `x` failed. */
function kinds(results: string, from: CheckVerdict = UNKNOWN): string {
  let verdict = from;
  return [...results]
    .map((result) => {
      verdict = afterCheck(verdict, result === '.' ? null : 'status 503', CHECK);
      return verdict.kind[0];
    })
    .join('');
}

it('unknown is healthy with the first pass, unhealthy with a full row of failures', () => {
  assert.equal(kinds('.'), 'h');
  assert.equal(kinds('xx'), 'uu');
  assert.equal(afterCheck(UNKNOWN, 'x', CHECK).kind, 'unknown');
  assert.deepEqual(afterCheck({ kind: 'unknown', failures: 2 }, 'ECONNREFUSED', CHECK), {
    kind: 'unhealthy',
    passes: 0,
    failures: 3,
    because: 'ECONNREFUSED',
  });
});

it('healthy turns unhealthy after three failures in a row and no less', () => {
  assert.equal(kinds('.xx.xx.xxx'), 'hhhhhhhhhu');
});

it('unhealthy turns healthy after two passes in a row and no less', () => {
  const ill: CheckVerdict = { kind: 'unhealthy', passes: 0, failures: 3, because: 'a' };
  assert.equal(kinds('.x.x..', ill), 'uuuuuh');
  assert.equal(kinds('..xx', ill), 'uhhh', 'and its failures count anew');
});

it('a sentence says how many failed and what the last one was', () => {
  const results: CheckResult[] = ['ECONNREFUSED', 'status 500', 'status 503', 'no answer in 500 ms'];
  let verdict: CheckVerdict = UNKNOWN;
  for (const result of results) verdict = afterCheck(verdict, result, CHECK);
  assert.equal(sentenceOf(verdict, '/health'), '4 health checks of /health failed, the last: no answer in 500 ms');
  assert.equal(sentenceOf(UNKNOWN, '/'), null);
  assert.equal(sentenceOf({ kind: 'healthy', failures: 2 }, '/'), null);
});
