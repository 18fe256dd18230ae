import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const withPaths = (paths: string) => `${SOUND}    slo: {availability: 0.9, ignorePaths: [${paths}]}\n`;

test('an ignored path stands once', () => {
  assertProblem(withPaths('/healthz, /livez, «/healthz'), 'SLU1072', '');
});

test('ignored paths are those of requests: normalized, without a query', () => {
  assertProblem(withPaths('«healthz'), 'SLU1035', 'did you mean /healthz?');
  assertProblem(withPaths('"«/healthz?x=1"').replace('"«', '«"'), 'SLU1035', /query/);
  assert.deepEqual(configOf(withPaths('/healthz, /')).routes[0]?.slo?.ignorePaths, ['/healthz', '/']);
});

const NEEDS = 'latency needs slo.latency, dependencies need composite.dependencies';
const withComposite = (composite: string) =>
  `${SOUND}    slo: {availability: 0.9, composite: {target: 0.9, atLeast: 0.9, ${composite}}}\n`;

test('a composite objective has a part that weighs something and can have data', () => {
  assertProblem(withComposite('weights: «{success: 0, health: 0}'), 'SLU1210', NEEDS);
  assertProblem(withComposite('weights: «{success: 0, health: 0, latency: 0}'), 'SLU1210', NEEDS);
});

test('a composite objective depends on services that are there and have a breaker', () => {
  assertProblem(withComposite('dependencies: [«shap]'), 'SLU1211', 'did you mean shop?');
  assertProblem(withComposite('dependencies: [«shop]'), 'SLU1212', 'add breaker: {} to services.shop');
  const sound = withComposite('dependencies: [shop]').replace('  shop:\n', '  shop:\n    breaker: {}\n');
  assert.deepEqual(configOf(sound).routes[0]?.slo?.composite?.dependencies, ['shop']);
});

test('a policy does something', () => {
  assertProblem(withComposite('whileBelow: «{}'), 'SLU1214', '');
  assertProblem(withComposite('whileBelow: «{accessLog: 0, concurrency: 1}'), 'SLU1214', '');
});

test('values of routes and the objective about them go together', () => {
  assertProblem(`«business: {target: 0.9, atLeast: 0.9}\n${SOUND}`, 'SLU1213', '');
  assertProblem(`${SOUND}    value: «3\n`, 'SLU1213', '');
  const { business, routes } = configOf(`business: {target: 0.9, atLeast: 0.8}\n${SOUND}    value: 3\n`);
  assert.equal(routes[0]?.value, 3);
  assert.equal(business?.atLeastRatio, 0.8);
});
