import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  cheaperOf,
  cpuRatio,
  find,
  measured,
  nameOf,
  p99Difference,
} from '../../../../../bench/macro/report/compare.ts';
import { closedSeries, latencySeries } from '../../support/outcomes.ts';

describe('comparing', () => {
  const nginx = closedSeries('nginx', [10, 12, 11]);
  const haproxy = closedSeries('haproxy', [9, 30, 10]);
  const sluice = closedSeries('sluice', [9, 15, 22]);

  test('ratios pair rounds', () => {
    assert.deepEqual(cpuRatio(sluice, nginx), { median: 1.25, min: 0.9, max: 2 });
  });

  test('the cheaper of nginx and HAProxy is the one with the lower median', () => {
    assert.equal(cheaperOf([nginx, haproxy, sluice]), haproxy);
    assert.equal(cheaperOf([nginx, sluice]), nginx);
    assert.equal(cheaperOf([sluice]), null);
  });

  test('variants are apart', () => {
    const two = closedSeries('nginx', [1, 1, 1], { variant: '2 workers' });
    assert.equal(cheaperOf([nginx, two]), nginx);
    assert.equal(cheaperOf([nginx, two], '2 workers'), two);
    assert.equal(find([nginx, two], 'nginx', '2 workers'), two);
    assert.equal(nameOf(two), 'nginx 1.0 2 workers');
  });

  test('what was refused or never measured does not count', () => {
    const refused = closedSeries('nginx', [10], { refused: '3 bad answers' });
    assert.deepEqual(measured([refused, closedSeries('haproxy', []), sluice]), [sluice]);
    assert.equal(find([refused], 'nginx'), null);
    assert.equal(cheaperOf([refused, haproxy]), haproxy);
  });

  test('percentiles are compared by difference', () => {
    const { median } = p99Difference(latencySeries('sluice', [1, 2, 3]), latencySeries('nginx', [0.5, 2.5, 2]));
    assert.equal(median, 0.5);
  });
});
