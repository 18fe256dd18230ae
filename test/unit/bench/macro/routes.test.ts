import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { routeTarget, routeTargets } from '../../../../bench/macro/routes.ts';

describe('the routing table', () => {
  for (const count of [1, 10, 10_000]) {
    test(`has ${count} different targets`, () => {
      const targets = routeTargets(count);
      assert.equal(new Set(targets.map(({ host, path }) => host + path)).size, count);
      for (const { host, path } of targets) {
        assert.match(host, /^[a-z0-9.-]+$/);
        assert.match(path, /^\/[a-z0-9-]+$/);
      }
    });
  }

  test('spreads over hosts and paths alike', () => {
    const targets = routeTargets(10_000);
    assert.equal(new Set(targets.map(({ host }) => host)).size, 100);
    assert.equal(new Set(targets.map(({ path }) => path)).size, 100);
    assert.deepEqual(routeTarget(101, 10_000), { host: 'shop-1.example', path: '/area-1' });
  });
});
