import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  endpointHolders,
  endpointRows,
  routeRows,
  serviceRows,
  sloRows,
  stateRows,
  versionRows,
} from '#src/export/rows.ts';
import { sampleTraffic } from '../../support/readings/cells.ts';
import { sampleRoute, sampleSlo, sampleVersion } from '../../support/readings/status.ts';

const TRAFFIC = [sampleTraffic(), sampleTraffic({ route: 'cart' })];

suite('rows', () => {
  test('every version of every route has a row, a version that two routes lead to one of the service', () => {
    const routes = Array.from(routeRows(TRAFFIC));
    assert.deepEqual(
      routes.map(({ labels }) => labels.pairs),
      [{ route: 'checkout' }, { route: 'cart' }],
    );
    const rows = Array.from(versionRows(routes));
    assert.deepEqual(
      rows.map(({ labels }) => Object.values(labels.pairs).join(' ')),
      ['checkout checkout v1', 'checkout checkout v2', 'cart checkout v1', 'cart checkout v2'],
    );
    assert.equal(rows[3]?.version, rows[3]?.route.versions[1]);
    const services = Array.from(serviceRows(rows));
    assert.deepEqual(
      services.map(({ labels }) => labels.pairs),
      [
        { service: 'checkout', version: 'v1' },
        { service: 'checkout', version: 'v2' },
      ],
    );
    assert.equal(services[0]?.version, rows[0]?.version, 'by the first route that leads to it');
  });

  test('the labels of durations are those of OpenTelemetry, made once', () => {
    const [row] = versionRows(routeRows(TRAFFIC));
    assert.deepEqual(row?.durationLabels.pairs, {
      http_route: '/checkout',
      route: 'checkout',
      service: 'checkout',
      service_version: 'v1',
    });
    assert.equal(row?.durationLabels, row?.durationLabels);
  });

  test('states have the labels of their versions, which are the same where traffic has them', () => {
    const versions = Array.from(versionRows(routeRows(TRAFFIC)));
    const states = [
      sampleRoute({ name: 'cart', versions: [sampleVersion({ version: 'v2' })] }),
      sampleRoute({ name: 'new', versions: [sampleVersion({ version: 'v1' })] }),
    ];
    const [cart, fresh] = stateRows(states, versions);
    assert.equal(cart?.labels[0], versions[3]?.labels);
    assert.deepEqual(fresh?.labels[0]?.pairs, { route: 'new', service: 'checkout', version: 'v1' });
    assert.equal(fresh?.state, states[1]);
  });

  test('objectives have their own labels and those of their route', () => {
    const [row] = sloRows([sampleSlo({ indicator: 'latency' })]);
    assert.deepEqual(row?.labels.pairs, { scope: 'route', name: 'checkout', sli: 'latency' });
    assert.deepEqual(row?.owner.pairs, { scope: 'route', name: 'checkout' });
  });

  test('an endpoint has one row, however many routes lead to its version', () => {
    const [v1, v2] = [sampleVersion({ version: 'v1' }), sampleVersion({ version: 'v2' })];
    const states = stateRows([sampleRoute({ versions: [v1, v2] }), sampleRoute({ versions: [v1] })], []);
    const holders = Array.from(endpointHolders(states));
    assert.deepEqual(holders, [v1, v2]);
    const rows = Array.from(endpointRows(holders));
    assert.deepEqual(
      rows.map(({ labels }) => labels.pairs['version']),
      [...v1.endpoints.map(() => 'v1'), ...v2.endpoints.map(() => 'v2')],
    );
    assert.equal(rows[0]?.endpoint, v1.endpoints[0]);
    assert.equal(rows[0]?.labels.pairs['endpoint'], v1.endpoints[0]?.address);
  });
});
