import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fields } from '#src/cli/slo/check/fields.ts';
import { checkAlertCondition, checkAlertPolicy, policyBurns } from '#src/cli/slo/check/policies.ts';
import { documentsOf } from '../../../../support/readings/slo-file.ts';

const CONDITION = '{severity: page, condition: {kind: burnrate, op: gte, threshold: 6, lookbackWindow: 6h}}';

function fieldsOf(text: string) {
  const { documents, findings } = documentsOf(text);
  const [document] = documents;
  assert.ok(document !== undefined);
  return { fields: new Fields(document, [], findings), findings };
}

test('a condition says which burn rate it is about', () => {
  const { fields, findings } = fieldsOf(CONDITION);
  assert.equal(checkAlertCondition(fields)?.threshold, 6);
  assert.deepEqual(findings.problems, []);
});

test('a condition needs a window', () => {
  const { fields, findings } = fieldsOf(CONDITION.replace('6h', '6 hours'));
  checkAlertCondition(fields);
  assert.deepEqual(
    findings.problems.map(({ path }) => path),
    ['condition.lookbackWindow'],
  );
});

test('a policy has one condition, of its own or another’s', () => {
  const own = fieldsOf(`{conditions: [{kind: AlertCondition, spec: ${CONDITION}}]}`);
  assert.equal(checkAlertPolicy(own.fields, new Map())?.threshold, 6);
  assert.deepEqual(own.findings.problems, []);
  const two = fieldsOf('{conditions: [{conditionRef: a}, {conditionRef: b}]}');
  checkAlertPolicy(two.fields, new Map());
  assert.deepEqual(
    two.findings.problems.map(({ path }) => path),
    ['conditions'],
  );
});

test('an objective asks for what its policies do, by name, by reference or within', () => {
  const policy = fieldsOf(`{spec: {conditions: [{spec: ${CONDITION}}]}}`).fields;
  const objects = new Map([['AlertPolicy/slow', policy]]);
  const { fields, findings } = fieldsOf(
    `{alertPolicies: [slow, {alertPolicyRef: slow}, {kind: AlertPolicy, spec: {conditions: [{spec: ${CONDITION.replace('6,', '2,')}}]}}]}`,
  );
  assert.deepEqual(
    policyBurns(fields, objects).map(({ threshold }) => threshold),
    [6, 6, 2],
  );
  assert.deepEqual(findings.problems, []);
  assert.deepEqual(policyBurns(fieldsOf('{}').fields, objects), []);
});
