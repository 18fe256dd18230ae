/** Objectives through the whole gateway: an outage pages, probes do not count, and everything shows it. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type GatewayProcess,
  logged,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { runOver } from '../../support/readings/slo-file.ts';

let service: TestService;
let gateway: GatewayProcess;

const REQUESTS = 40;
/** Others fire as well: the route's composite objective and that of the business. */
const ALERT =
  /^(?=.*"event":"slo_alert")(?=.*"state":"firing").*route down, availability 99\.9 %: page firing, burn 1000x over 1h and 1000x over 5m/m;

before(async () => {
  service = await startService('v1');
  gateway = await startGatewayProcess(`
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 2
saturation: {response: observe}
business: {target: 0.999, atLeast: 0.9}
services:
  shop:
    slo: {availability: 0.95, latency: {threshold: 20s, target: 0.9}}
    versions:
      v1: {endpoints: ["127.0.0.1:${service.port}"]}
  gone:
    outlierDetection: false
    versions:
      v1: {endpoints: ["127.0.0.1:1"]}
routes:
  - name: up
    matches: [{path: {value: /up}}]
    backendRefs: [{name: shop}]
    value: 3
    slo: {availability: 0.99, ignorePaths: [/up/healthz], timeWindow: {duration: 1M}}
  - name: down
    matches: [{path: {value: /down}}]
    backendRefs: [{name: gone}]
    retry: {attempts: 0}
    value: 1
    slo:
      availability: 0.999
      composite: {target: 0.99, atLeast: 0.9, weights: {success: 3, health: 1}, whileBelow: {accessLog: 1}}
`);
  for (let n = 0; n < REQUESTS; n++) {
    await ask('/up');
    await ask('/up/healthz?from=probe');
    await ask('/down');
  }
  await logged(gateway, ALERT);
});

after(async () => {
  // A gateway that did not start leaves nothing that would hold the process.
  await service.close();
  await gateway.end();
});

async function ask(path: string): Promise<void> {
  const response = await fetch(`${gateway.proxyUrl}${path}`);
  await response.arrayBuffer();
}

describe('objectives of a running gateway', () => {
  it('count to the last request, page an outage, and are shown', async () => {
    const slos = async () => (await gateway.status()).slos;
    const find = async (name: string, indicator = 'availability') =>
      (await slos()).find((slo) => slo.name === name && slo.indicator === indicator);
    await until('everything is counted', async () => {
      const counted = (await slos())
        .filter(({ score }) => score === null)
        .map(({ events }) => events.good + events.bad);
      return counted.length === 4 && counted.every((total) => total === REQUESTS);
    });
    const down = await find('down');
    assert.deepEqual(down?.events, { good: 0, bad: REQUESTS });
    assert.equal(down?.policy.kind, 'frozen');
    assert.equal(down?.errors.transient, REQUESTS);
    const up = await find('up');
    assert.deepEqual([up?.remainingRatio, up?.events.bad, up?.calendar?.good], [1, 0, REQUESTS]);
    assert.deepEqual((await find('shop'))?.events, { good: REQUESTS, bad: 0 });
    assert.deepEqual((await find('shop', 'latency'))?.events, { good: REQUESTS, bad: 0 });
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    const firing =
      'sluice_slo_alert_firing{severity="page",window="1h",scope="route",name="down",sli="availability"} 1';
    assert.ok(
      metrics.includes(firing),
      metrics
        .split('\n')
        .filter((text) => text.includes('slo_alert'))
        .join('\n'),
    );
  });

  it('make scores of seconds: of a route that fails though its endpoint is in service, and of what was worth something', async () => {
    const find = async (name: string) =>
      (await gateway.status()).slos.find((slo) => slo.score !== null && slo.name === name);
    await until('three bad seconds in a row', async () => (await find('down'))?.score?.isBelow === true);
    const down = await find('down');
    assert.deepEqual(down?.score?.parts, { success: 0, latency: null, health: 1, dependencies: null });
    assert.equal(down.score.now, 0.25);
    assert.ok(down.events.bad >= 3, JSON.stringify(down.events));
    await until('all that was asked for is counted', async () => {
      return (await find('business'))?.score?.value?.asked === 4 * REQUESTS;
    });
    const business = await find('business');
    assert.deepEqual(business?.score?.value, { asked: 4 * REQUESTS, served: 3 * REQUESTS });
    assert.equal(business.scope, 'gateway');
    await logged(gateway, /"slo_strain"/);
    const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
    assert.match(metrics, /sluice_slo_score_ratio\{scope="route",name="down",sli="composite"\} 0\.25/);
    assert.ok(metrics.includes(`sluice_business_value_total{outcome="served"} ${3 * REQUESTS}`));
  });

  it('name requests that missed them, with what came of each', async () => {
    const samples = async () => (await gateway.status()).samples;
    await until('some are known', async () => (await samples()).length > 0);
    assert.deepEqual(
      (await samples()).map(({ route, slow }) => [route, slow.length]),
      [['down', 0]],
    );
    const run = (...argv: string[]) => runOver({}, [...argv, '--admin', gateway.adminUrl]);
    const newest = async () => (await samples())[0]?.bad[0]?.requestId ?? assert.fail();
    const look = async () => {
      const requestId = await newest();
      const shown = await run('slo', 'get', 'route/down/availability');
      const why = await run('why', requestId);
      return { requestId, shown, why, isStill: requestId === (await newest()) };
    };
    // While they come in, one may have made room for others before it is asked for.
    let seen = await look();
    await until('no other one came meanwhile', async () => {
      if (!seen.isStill) seen = await look();
      return seen.isStill;
    });
    const { requestId, shown, why } = seen;
    assert.equal(shown.code, 0, shown.err);
    assert.match(shown.out, new RegExp(`request   ${requestId}  502 connect_refused, [\\d.]+ ms, v1, `));
    assert.equal(why.code, 0, why.err);
    assert.match(why.out, /^down: request \w+ {2}502 connect_refused, [^]+: it was bad, and no decision names it\n/);
    const listed = await run('route', 'ls');
    assert.match(listed.out, /^down {2}.*100 %.* any host {2}PathPrefix \/down$/m);
  });

  it('close the gate of a release where they burn, and leave it open elsewhere', async () => {
    const gate = (route: string) => runOver({}, ['gate', '--admin', gateway.adminUrl, '--route', route]);
    const closed = await gate('down');
    assert.equal(closed.code, 1);
    assert.match(closed.out, /fail {4}availability of route down: a page fires/);
    // Open only after a reading in which the service that the route leads to was asked for anything.
    let open = await gate('up');
    await until('its service is counted', async () => {
      open = await gate('up');
      return !open.out.includes('nothing was counted');
    });
    assert.deepEqual([open.code, open.out.split('\n').at(-2)], [0, 'the gate is open'], open.out);
  });
});
