import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertProblem, configOf, SOUND } from '../../../support/config.ts';

const withSlo = (slo: string) => `${SOUND}    slo: {availability: 0.999, ${slo}}\n`;
const withService = (slo: string) => SOUND.replace('  shop:\n', `  shop:\n    slo: {availability: 0.999, ${slo}}\n`);

describe('objectives', () => {
  test('of a route and of a service take the same fields, ignored paths apart', () => {
    const fields =
      'latency: {threshold: 1s, target: 0.9}, timeWindow: {duration: 1M}, errorWeights: {client: 0}, budgetPolicy: {freeze: false}';
    const config = configOf(withSlo(fields));
    assert.deepEqual(configOf(withService(fields)).services[0]?.slo, config.routes[0]?.slo);
    assertProblem(withService('«ignorePaths: [/a]'), 'SLU1020', '');
  });

  test('have a window that rolls, or one of the calendar', () => {
    for (const window of [
      '{duration: 28d, isRolling: true}',
      '{isRolling: true}',
      '{duration: 1w, isRolling: false}',
    ]) {
      configOf(withSlo(`timeWindow: ${window}`));
    }
    assertProblem(withSlo('timeWindow: {duration: 28d, isRolling: «false}'), 'SLU1084', '');
    assertProblem(withSlo('timeWindow: {duration: 1M, isRolling: «true}'), 'SLU1084', '');
    assertProblem(withSlo('timeWindow: {duration: «1m}'), 'SLU1023', '');
  });

  test('have shares and weights within their ranges', () => {
    assertProblem(withSlo('budgetPolicy: {slowBelow: «25}'), 'SLU1044', 'did you mean 0.25?');
    assertProblem(withSlo('budgetPolicy: {releaseAllowance: «-1}'), 'SLU1044', '');
    assertProblem(withSlo('errorWeights: {server: «-1}'), 'SLU1024', '');
  });
});
