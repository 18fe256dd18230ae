/** Problems and errors of the control plane as people read them. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatProblem, type Problem, SluiceError, unreadableProblem } from '#src/model/problem.ts';

const PROBLEM: Problem = {
  code: 'SLU1012',
  file: 'gateway.yaml',
  line: 5,
  column: 15,
  path: 'routes[0].slo.availability',
  expected: 'a ratio below 1',
  got: '99.9',
  hint: 'did you mean 0.999?',
};

it('a problem says where, what was expected, what was found and how to mend it', () => {
  assert.equal(
    formatProblem(PROBLEM),
    'gateway.yaml:5:15: SLU1012 routes[0].slo.availability: expected a ratio below 1, got 99.9 (did you mean 0.999?)',
  );
});

it('a problem without path or hint has no empty places', () => {
  assert.equal(
    formatProblem({ ...PROBLEM, path: '', hint: '' }),
    'gateway.yaml:5:15: SLU1012 expected a ratio below 1, got 99.9',
  );
});

it('an error carries its code, its cause and its problems', () => {
  const cause = new Error('why');
  const error = new SluiceError('SLU_CONFIG_INVALID', 'what', { cause, problems: [PROBLEM] });
  assert.deepEqual([error.code, error.cause, error.problems], ['SLU_CONFIG_INVALID', cause, [PROBLEM]]);
  assert.equal('cause' in new SluiceError('SLU_USAGE', 'what'), false);
});

it('a document that cannot be read is a problem without a position', () => {
  const problem = unreadableProblem('gateway.yaml', new SluiceError('SLU_CONFIG_UNREADABLE', 'it is a folder'));
  assert.equal(
    formatProblem(problem),
    'gateway.yaml:0:0: SLU_CONFIG_UNREADABLE expected a document that can be read, got it is a folder',
  );
});
