/** Which endpoints are looked after, and how. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { checkKey, planOf } from '#src/health/plan.ts';
import type { Config, ServiceConfig } from '#src/model/config.ts';
import { compile } from '#src/snapshot/compile.ts';
import { NO_IDS } from '#src/snapshot/live.ts';
import { configOf, SOUND } from '../../support/config.ts';
import { CHECK } from '../../support/simulate/health.ts';

const SPARE = SOUND.replace('routes:', '  spare: {versions: {v: {endpoints: ["h:1", "127.0.0.1:7001"]}}}\nroutes:');

/** The plan of a document, its services changed. */
function planned(text: string, change: (service: ServiceConfig) => ServiceConfig, mirror = false) {
  const read = configOf(text);
  const to = { service: 'spare', version: 'v', ratio: 1 };
  const routes = read.routes.map((route) => ({ ...route, filters: { ...route.filters, mirror: mirror ? to : null } }));
  const config: Config = { ...read, services: read.services.map(change), routes };
  const input = { config, hash: '', revision: 1, overrides: [], ids: NO_IDS, mayRecycle: () => false };
  return planOf(config, compile(input).snapshot);
}

it('every version on a route is a group, every endpoint is there once', () => {
  const { groups, endpoints } = planned(SOUND, (service) => ({ ...service, slowStartMs: 7, health: CHECK }));
  assert.deepEqual(
    groups.map(({ service, version, endpoints: ids }) => [service, version, ids]),
    [
      ['shop', 'v1', [0]],
      ['shop', 'v2', [1]],
    ],
  );
  assert.deepEqual(endpoints, [
    { id: 0, host: '127.0.0.1', port: 7001, slowStartMs: 7, checks: [CHECK] },
    { id: 1, host: '127.0.0.1', port: 7002, slowStartMs: 7, checks: [CHECK] },
  ]);
});

it('what no route sends to is left alone; a mirror counts as a route', () => {
  assert.equal(planned(SPARE, (service) => service).groups.length, 2);
  const { groups } = planned(SPARE, (service) => service, true);
  assert.deepEqual(groups[2]?.endpoints, [2, 0]);
});

it('an endpoint of two services has the checks of both and the longer slow start', () => {
  const other = { ...CHECK, path: '/other' };
  const { endpoints } = planned(
    SPARE,
    (service) =>
      service.name === 'shop'
        ? { ...service, slowStartMs: 5, health: CHECK }
        : { ...service, slowStartMs: 9, health: other },
    true,
  );
  const shared = endpoints.find(({ id }) => id === 0);
  assert.deepEqual([shared?.slowStartMs, shared?.checks], [9, [CHECK, other]]);
});

it('checks are the same when they ask for the same', () => {
  assert.equal(checkKey({ ...CHECK, intervalMs: 9 }), checkKey(CHECK));
  assert.notEqual(checkKey({ ...CHECK, host: 'a' }), checkKey(CHECK));
  assert.notEqual(checkKey({ ...CHECK, path: '/' }), checkKey(CHECK));
});

it('a version that a route falls back to is looked after', () => {
  const text = `${SPARE}    fallback: [{type: Service, service: {name: spare}}]\n`;
  const { groups } = planned(text, (service) => service);
  assert.deepEqual(groups[2]?.endpoints, [2, 0]);
});
