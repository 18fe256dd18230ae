import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { endpointRows, serviceRows, versionRows } from '#src/export/rows.ts';
import { sampleTraffic } from '../../support/readings/cells.ts';
import { sampleRoute, sampleVersion } from '../../support/readings/status.ts';

suite('rows', () => {
  test('every version of every route has a row, a version that two routes lead to one of the service', () => {
    const rows = Array.from(versionRows([sampleTraffic(), sampleTraffic({ route: 'cart' })]));
    assert.deepEqual(
      rows.map(({ labels }) => Object.values(labels).join(' ')),
      ['checkout checkout v1', 'checkout checkout v2', 'cart checkout v1', 'cart checkout v2'],
    );
    assert.equal(rows[3]?.version, rows[3]?.route.versions[1]);
    const services = Array.from(serviceRows(rows));
    assert.deepEqual(
      services.map(({ labels }) => labels),
      [
        { service: 'checkout', version: 'v1' },
        { service: 'checkout', version: 'v2' },
      ],
    );
    assert.equal(services[0]?.version, rows[0]?.version, 'by the first route that leads to it');
  });

  test('an endpoint has one row, however many routes lead to its version', () => {
    const [v1, v2] = [sampleVersion({ version: 'v1' }), sampleVersion({ version: 'v2' })];
    const rows = Array.from(endpointRows([sampleRoute({ versions: [v1, v2] }), sampleRoute({ versions: [v1] })]));
    assert.deepEqual(
      rows.map(({ labels }) => labels['version']),
      [...v1.endpoints.map(() => 'v1'), ...v2.endpoints.map(() => 'v2')],
    );
    assert.equal(rows[0]?.endpoint, v1.endpoints[0]);
    assert.equal(rows[0]?.labels['endpoint'], v1.endpoints[0]?.address);
  });
});
