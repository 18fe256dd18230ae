import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHtml } from '#src/admin/page/html.ts';
import { burnTable, heatMap, upstreams } from '#src/admin/page/view/tables.js';
import type { EndpointState } from '#src/model/health.ts';
import type { EndpointStatus } from '#src/model/status.ts';
import { sampleBoard, sampleReading } from '../../../../support/readings/board.ts';
import { sampleRoute, sampleVersion } from '../../../../support/readings/status.ts';

const ENDPOINT: EndpointStatus = {
  address: '127.0.0.1:7001',
  inFlight: 0,
  connections: 1,
  requests: 10,
  bad: 0,
  connectFailures: 0,
  panics: 0,
  state: 'up',
  capacityRatio: 1,
  because: '',
  ejections: 0,
};

suite('tables', () => {
  test('every alert has a row: rates by window, limit, and whether it fires', () => {
    const html = toHtml(burnTable(sampleBoard()));
    assert.equal(html.match(/<tr data-key/g)?.length, 3);
    assert.match(html, /20× \/ 30m/);
    assert.match(html, /firing for 1 min 1 s/);
    assert.match(toHtml(burnTable(sampleBoard({ routes: [] }))), /No objective is configured/);
  });

  test('the heat map has a cell for every 15 s, by level, and says so to who cannot see it', () => {
    const heat = [null, 0, 0.5, 3, 10, 40];
    const html = toHtml(heatMap(sampleBoard({ routes: [{ ...sampleReading(), heat, now: [] }] })) ?? 'none');
    assert.deepEqual(
      [...html.matchAll(/class="heat heat-(\w+)"/g)].map(([, level]) => level),
      ['none', '0', '1', '2', '3', '4'],
    );
    assert.match(html, /<span class="vh">40×<\/span>/);
    assert.equal(heatMap(sampleBoard({ routes: [] })), null);
  });

  test('an endpoint of two routes is listed once, those in trouble first', () => {
    const sick = { ...ENDPOINT, address: '127.0.0.1:7009', state: 'ejected' as const, because: '5 failures in a row' };
    const route = sampleRoute({ versions: [sampleVersion({ endpoints: [ENDPOINT, sick] })] });
    const view = { ...sampleReading({ route, more: { versions: 0, endpoints: 30 } }), heat: [], now: [] };
    const html = toHtml(upstreams(sampleBoard({ routes: [view, view] })));
    assert.deepEqual(
      [...html.matchAll(/<th scope="row">([^<]+)/g)].map(([, address]) => address),
      ['127.0.0.1:7009', '127.0.0.1:7001'],
    );
    assert.match(html, /5 failures in a row/);
    assert.match(html, /60 more endpoints/);
  });

  test('an endpoint is shown by its state, and one that is on its way back in calm', () => {
    const toneOf = (state: EndpointState): string | undefined => {
      const route = sampleRoute({ versions: [sampleVersion({ endpoints: [{ ...ENDPOINT, state }] })] });
      const html = toHtml(upstreams(sampleBoard({ routes: [{ ...sampleReading({ route }), heat: [], now: [] }] })));
      return /pill pill-(\w+)/.exec(html)?.[1];
    };
    const states = ['up', 'slow-start', 'half-open', 'ejected', 'unhealthy'] as const;
    assert.deepEqual(states.map(toneOf), ['good', 'calm', 'calm', 'bad', 'bad']);
  });
});
