import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Config, RouteConfig } from '#src/model/config.ts';
import { type Content, configOf, contentOf, Packer } from '#src/snapshot/revisions/content.ts';
import { manyRoutes, withRoute } from '../../../support/config.ts';

/** As it is after another process has read it. */
const read = ({ packed, base }: Content): Content => {
  return contentOf(packed, base === null || typeof base === 'string' ? base : read(base));
};

suite('contents of configurations', () => {
  test('a few routes that changed are a difference to a whole one, however many such changes came before', async () => {
    const packer = new Packer();
    const first = manyRoutes(100);
    const whole = await packer.pack(first);
    assert.equal(whole.base, null);
    let config = first;
    for (let n = 0; n < 5; n++) {
      config = withRoute(config, n * 20);
      const content = await packer.pack(config);
      assert.equal(content.base, whole, `change ${n}`);
      assert.ok(content.packed.length < whole.packed.length);
      assert.deepEqual(configOf(read(content)), config);
    }
  });

  test('routes and services that come, go and move are as they were', async () => {
    const packer = new Packer();
    const before = manyRoutes(100);
    const whole = await packer.pack(before);
    const [first, second, ...others] = before.routes as readonly [RouteConfig, RouteConfig, ...RouteConfig[]];
    const moved = { ...before, routes: [second, first, ...others.slice(0, 50), ...others.slice(51)] };
    const without = { ...before, services: before.services.slice(1), limits: { ...before.limits, headerCountMax: 9 } };
    for (const after of [moved, without, { ...before, routes: [] }]) {
      const content = await packer.pack(after);
      assert.equal(content.base, whole);
      assert.deepEqual(configOf(read(content)), after);
    }
  });

  test('what stayed is the same object as in what is held', async () => {
    const packer = new Packer();
    const before = manyRoutes(100);
    await packer.pack(before);
    const content = await packer.pack(withRoute(before, 7));
    const same = configOf(content).routes.filter((route, n) => route === before.routes[n]);
    assert.equal(same.length, 99);
  });

  test('many changes make a whole one, and so does each of a small configuration', async () => {
    const packer = new Packer();
    let config = manyRoutes(100);
    const first = await packer.pack(config);
    const basesOf = async (changes: number): Promise<Content['base'][]> => {
      const bases: Content['base'][] = [];
      for (let n = 0; n < changes; n++) {
        config = withRoute(config, n);
        bases.push((await packer.pack(config)).base);
      }
      return bases;
    };
    // 101 routes and services: half of their root.
    assert.deepEqual(
      (await basesOf(7)).map((base) => base === first),
      [true, true, true, true, true, false, false],
    );
    assert.equal(first.config, null, 'what no difference is made to is let go');
    const small = new Packer();
    const one: Config = manyRoutes(1);
    await small.pack(one);
    assert.equal((await small.pack(withRoute(one, 0))).base, null);
  });

  test('a difference to what is not there cannot be read', () => {
    assert.throws(() => configOf(contentOf(new Uint8Array(1), 'ab')), /what it is a difference to is not kept/);
  });
});
