/** OpenSLO v1: each rule by a file that breaks it alone. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isOpenSlo, millisecondsOf, readOpenSlo } from '#src/cli/slo/check/openslo.ts';
import { documentsOf, OPENSLO } from '../../../../support/readings/slo-file.ts';

function read(text: string) {
  const { documents, findings } = documentsOf(text);
  const own = readOpenSlo(documents, findings);
  const shown = (list: typeof findings.problems) => list.map(({ code, path }) => `${code} ${path}`);
  return { own, problems: shown(findings.problems), warnings: shown(findings.warnings), findings };
}

/** The file with one thing changed. */
function broken(from: string, to: string) {
  assert.ok(OPENSLO.includes(from), from);
  return read(OPENSLO.replace(from, to));
}

describe('a file of OpenSLO', () => {
  it('that is sound has nothing to be told of', () => {
    const { own, problems, warnings } = read(OPENSLO);
    assert.deepEqual([problems, warnings, own.length], [[], [], 1]);
  });

  it('is one of version 1', () => {
    assert.equal(
      isOpenSlo({ value: { apiVersion: 'openslo.com/v2alpha' }, placeOf: () => ({ line: 1, column: 1 }) }),
      true,
    );
    assert.equal(isOpenSlo({ value: { services: {} }, placeOf: () => ({ line: 1, column: 1 }) }), false);
    assert.deepEqual(broken('apiVersion: openslo/v1\nkind: SLO', 'apiVersion: openslo/v1alpha\nkind: SLO').problems, [
      'SLU1215 apiVersion',
    ]);
  });

  const CASES: readonly (readonly [what: string, from: string, to: string, problem: string])[] = [
    ['a kind that is none', 'kind: Service', 'kind: Servise', 'SLU1215 kind'],
    ['a name that is no label', 'metadata: {name: checkout}\nspec:\n  service', 'metadata: {name: Check_Out}\nspec:\n  service', 'SLU1215 metadata.name'],
    ['an unknown field', '  service: shop\n', '  service: shop\n  sli: x\n', 'SLU1215 spec.sli'],
    ['no service', '  service: shop\n', '', 'SLU1215 spec.service'],
    ['a service that is not there', '  service: shop\n', '  service: shap\n', 'SLU1216 spec.service'],
    ['a policy that is not there', '[fast]', '[fest]', 'SLU1216 spec.alertPolicies[0]'],
    ['a condition that is not there', 'conditionRef: burn', 'conditionRef: bern', 'SLU1216 spec.conditions[0].conditionRef'],
    ['two windows', '[{duration: 28d, isRolling: true}]', '[{duration: 28d, isRolling: true}, {duration: 7d, isRolling: true}]', 'SLU1215 spec.timeWindow'],
    ['a duration in days as words', 'duration: 28d', 'duration: 28 days', 'SLU1215 spec.timeWindow[0].duration'],
    ['a window without a calendar that does not roll', ', isRolling: true', '', 'SLU1215 spec.timeWindow[0].calendar'],
    ['another method', 'Occurrences', 'Occurences', 'SLU1215 spec.budgetingMethod'],
    ['slices without their target', 'budgetingMethod: Occurrences', 'budgetingMethod: RatioTimeslices', 'SLU1215 spec.objectives[0].timeSliceWindow'],
    ['a target in percent', 'target: 0.999', 'target: 99.9', 'SLU1215 spec.objectives[0].target'],
    ['both targets', 'target: 0.999', 'target: 0.999, targetPercent: 99.9', 'SLU1215 spec.objectives[0].target'],
    ['good and bad', 'counter: true', 'counter: true\n        bad: {metricSource: {type: a, spec: {}}}', 'SLU1215 spec.indicator.spec.ratioMetric.good'],
    ['a source of no type', 'total: {metricSource: {type: sluice, spec', 'total: {metricSource: {spec', 'SLU1215 spec.indicator.spec.ratioMetric.total.metricSource.type'],
    ['an indicator beside a reference', '  timeWindow:', '  indicatorRef: other\n  timeWindow:', 'SLU1215 spec.indicatorRef'],
    ['a burn rate that nothing reaches', 'threshold: 14.4', 'threshold: 1000', 'SLU1217 spec.condition.threshold'],
    ['a threshold below 0', 'threshold: 14.4', 'threshold: -1', 'SLU1215 spec.condition.threshold'],
    ['a condition of another kind', 'kind: burnrate', 'kind: burn', 'SLU1215 spec.condition.kind'],
    ['an objective of ours without its name', 'good: {metricSource: {type: sluice, spec: {scope: route, name: checkout', 'good: {metricSource: {type: sluice, spec: {scope: route', 'SLU1215 metadata.annotations'],
  ]; // biome-ignore format: a table

  for (const [what, from, to, problem] of CASES) {
    it(`is refused for ${what}`, () => assert.deepEqual(broken(from, to).problems, [problem]));
  }

  it('has each object once', () => {
    assert.deepEqual(read(`${OPENSLO}---\n${OPENSLO.split('---\n')[3]}`).problems, ['SLU1219 metadata.name']);
  });

  it('may leave what it refers to to other files', () => {
    const [slo = ''] = OPENSLO.split('---\n');
    assert.deepEqual(read(slo).warnings, ['SLU1216 spec.service', 'SLU1216 spec.alertPolicies[0]']);
    assert.deepEqual(read(slo).problems, []);
  });

  it('is warned of for minutes that look like months, and for alerts that ring while little burns', () => {
    assert.deepEqual(broken('duration: 28d', 'duration: 1m').warnings, [
      'SLU1217 spec.timeWindow[0].duration',
      'SLU1217 spec.timeWindow[0].duration',
    ]);
    assert.match(broken('duration: 28d', 'duration: 1m').findings.warnings[0]?.hint ?? '', /1M/);
    assert.deepEqual(broken('op: gte', 'op: lte').warnings, ['SLU1217 spec.condition.op']);
    assert.deepEqual(broken('target: 0.999', 'target: 0').warnings, ['SLU1217 spec.objectives[0].target']);
  });

  it('may give targets in percent', () => {
    assert.equal(broken('target: 0.999', 'targetPercent: 99.95').own[0]?.targetRatio, 0.9995);
  });

  it('may hold objectives that the gateway does not measure', () => {
    const other = OPENSLO.replaceAll('type: sluice', 'type: Datadog');
    const { own, problems } = read(other);
    assert.deepEqual([own.length, problems], [0, []]);
    assert.deepEqual(read(other.replace('14.4', '1000')).problems, ['SLU1217 spec.condition.threshold']);
  });
});

it('durations of thresholds are milliseconds', () => {
  assert.deepEqual(['300ms', '0.5s', '2m', '3 s', '1h', ''].map(millisecondsOf), [300, 500, 120_000, null, null, null]);
});
