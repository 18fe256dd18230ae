/** Which cells an objective counts. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compile } from '#src/snapshot/compile.ts';
import { NO_IDS } from '#src/snapshot/live.ts';
import { objectivesOf } from '#src/snapshot/objectives.ts';
import { configOf } from '../../support/config.ts';

const TEXT = `services:
  shop:
    slo: {availability: 0.99, latency: {threshold: 200ms, target: 0.9}}
    versions:
      v1: {endpoints: ["127.0.0.1:7001"]}
      v2: {endpoints: ["127.0.0.1:7002"]}
  stock:
    slo: {availability: 0.95}
    versions: {v1: {endpoints: ["127.0.0.1:7003"]}}
  lonely:
    slo: {availability: 0.9}
    versions: {v1: {endpoints: ["127.0.0.1:7004"]}}
routes:
  - name: own
    slo: {availability: 0.999, ignorePaths: [/healthz], latency: {threshold: 300ms, target: 0.9}}
    matches: [{path: {value: /own}}]
    backendRefs: [{name: shop, version: v1, weight: 9}, {name: shop, version: v2}]
  - name: shared
    matches: [{path: {value: /shared}}]
    backendRefs: [{name: shop, version: v1}, {name: stock}]
`;

function compiled() {
  const config = configOf(TEXT);
  const { snapshot } = compile({ config, hash: '', revision: 1, overrides: [], ids: NO_IDS, mayRecycle: () => false });
  return { config, snapshot };
}

describe('objectives', () => {
  it('of a route count its own cell', () => {
    const { config, snapshot } = compiled();
    const [first] = objectivesOf(config, snapshot);
    assert.deepEqual([first?.scope, first?.name, first?.cells], ['route', 'own', [snapshot.routes[0]?.cell]]);
    assert.equal(first?.slo.availabilityRatio, 0.999);
  });

  it('of a service count its routes, and its versions on routes that it shares', () => {
    const { config, snapshot } = compiled();
    const [own, shared] = snapshot.routes;
    const services = objectivesOf(config, snapshot).filter(({ scope }) => scope === 'service');
    assert.deepEqual(
      services.map(({ name, cells }) => [name, cells]),
      [
        ['lonely', []],
        ['shop', [own?.cell, shared?.splits[0]?.cell]],
        ['stock', [shared?.splits[1]?.cell]],
      ],
    );
  });

  it('have their thresholds and ignored paths in the snapshot', () => {
    const [own, shared] = compiled().snapshot.routes;
    assert.deepEqual([own?.slowMs, own?.serviceSlowMs, own?.ignorePaths], [300, 200, ['/healthz']]);
    assert.deepEqual([shared?.slowMs, shared?.serviceSlowMs, shared?.ignorePaths], [Infinity, Infinity, []]);
    assert.deepEqual(
      shared?.splits.map(({ serviceSlowMs }) => serviceSlowMs),
      [200, Infinity],
    );
  });
});
