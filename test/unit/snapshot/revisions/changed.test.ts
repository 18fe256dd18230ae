import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Config, RouteConfig } from '#src/model/config.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { changedRoutes, guardedCells } from '#src/snapshot/revisions/changed.ts';
import { Store } from '#src/snapshot/store.ts';
import { configOf, SOUND, SOUND_ROLLOUT, SOUND_SEVERAL } from '../../../support/config.ts';

const OTHER = `  - {name: other, hostnames: [other.test], backendRefs: [{name: other}]}\n`;
const BOTH = `${SOUND}${OTHER}`.replace(
  'services:\n',
  'services:\n  other: {versions: {v1: {endpoints: ["127.0.0.1:7009"]}}}\n',
);

const changed = (before: string, after: string): string =>
  [...changedRoutes(configOf(before), configOf(after))].join(' ');

suite('routes that a configuration treats differently', () => {
  test('are those whose own fields differ', () => {
    assert.equal(changed(BOTH, BOTH), '');
    assert.equal(changed(BOTH, BOTH.replace('weight: 5}', 'weight: 6}')), 'shop');
    assert.equal(changed(BOTH, BOTH.replace('[other.test]', '[an.other.test]')), 'other');
  });

  test('are those whose services differ', () => {
    assert.equal(changed(BOTH, BOTH.replace('7009', '7010')), 'other');
    assert.equal(changed(BOTH, BOTH.replace('7001', '7011')), 'shop');
  });

  test('are those that fall back to a service that is another', () => {
    const spare = SOUND.replace('services:\n', 'services:\n  spare: {versions: {v1: {endpoints: ["h:1"]}}}\n');
    const text = `${spare}    fallback: [{type: Service, service: {name: spare}}]\n`;
    assert.equal(changed(text, text.replace('"h:1"', '"h:2"')), 'shop');
    assert.equal(changed(spare, spare.replace('"h:1"', '"h:2"')), '');
  });

  test('are all where the gateway treats requests differently, and none where it does not', () => {
    assert.equal(changed(BOTH, `timeouts: {connect: 2s}\n${BOTH}`), 'shop other');
    assert.equal(changed(BOTH, `accessLog: {sample: 1}\nrevisions: {keep: 2}\ndrain: {delay: 1s}\n${BOTH}`), '');
    assert.equal(changed(BOTH, `saturation: {response: observe}\n${BOTH}`), '');
    assert.equal(changed(BOTH, `fleet: {name: edge, redis: {address: "redis://127.0.0.1:6379"}}\n${BOTH}`), '');
  });

  test('are none that came or went, or are only judged differently', () => {
    assert.equal(changed(SOUND, BOTH), '');
    assert.equal(changed(BOTH, SOUND), '');
    assert.equal(changed(SOUND, `${SOUND}    slo: {availability: 0.99}\n`), '');
  });

  test('are found wherever they stand', () => {
    const first = BOTH.replace(OTHER, '').replace('routes:\n', `routes:\n${OTHER}`);
    assert.notEqual(first, BOTH);
    assert.equal(changed(BOTH, first), '');
    assert.equal(changed(BOTH, first.replace('[other.test]', '[an.other.test]')), 'other');
    assert.equal(changed(SOUND, first), '', 'one that came before it');
  });

  test('of which nothing became different have the same object for their cells', () => {
    const store = new Store({ file: 'f', dials: createDials(), wallTime: () => '', mayRecycle: () => false });
    const offer = (config: Config) => {
      const result = store.offer({ ok: true, config, warnings: [] });
      assert.equal(result.kind, 'swapped');
      return result.current;
    };
    const one = configOf(BOTH);
    const [shop, other] = configOf(BOTH.replace('weight: 5}', 'weight: 6}')).routes as [RouteConfig, RouteConfig];
    const first = offer(one);
    const before = guardedCells(first.snapshot, first.config);
    const second = offer({ ...one, routes: [shop, one.routes[1] as RouteConfig] });
    const after = guardedCells(second.snapshot, second.config, before);
    assert.deepEqual(after.routes, guardedCells(second.snapshot, second.config).routes);
    assert.notEqual(after.routes[0], before.routes[0]);
    assert.equal(after.routes[1], before.routes[1]);
    const third = offer({ ...one, routes: [other] });
    const fewer = guardedCells(third.snapshot, third.config, after);
    assert.deepEqual(fewer.routes, guardedCells(third.snapshot, third.config).routes);
  });

  test('are told by their own cell, or by those of all versions but a canary', () => {
    const cellsOf = (text: string, index = 0) => {
      const store = new Store({ file: 'f', dials: createDials(), wallTime: () => '', mayRecycle: () => false });
      const result = store.offer({ ok: true, config: configOf(text), warnings: [] });
      assert.equal(result.kind, 'swapped');
      const { config, snapshot } = result.current;
      return { cells: guardedCells(snapshot, config).routes[index]?.cells, route: snapshot.routes[index] };
    };
    const plain = cellsOf(SOUND);
    assert.deepEqual(plain.cells, [plain.route?.cell]);
    const ramped = cellsOf(SOUND_ROLLOUT);
    assert.deepEqual(ramped.cells, [ramped.route?.splits[0]?.cell]);
    const led = cellsOf(SOUND_SEVERAL, 1);
    assert.deepEqual(led.cells, [led.route?.splits[1]?.cell, led.route?.splits[2]?.cell]);
  });
});
