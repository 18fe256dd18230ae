import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { formatFor, takesGzip } from '#src/export/exposition/negotiate.ts';

const PROTO = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

suite('negotiate', () => {
  test('what Prometheus and others send gets what they want', () => {
    const [text, openMetrics, protobuf] = ['text', 'openMetrics', 'protobuf'] as const;
    const cases = [
      ['', text],
      ['*/*', text],
      ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', text],
      // Prometheus 2.42, without and with native histograms.
      [
        'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1',
        openMetrics,
      ],
      [
        `${PROTO},application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`,
        protobuf,
      ],
      // Prometheus 3.
      [
        `application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,${PROTO};q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`,
        openMetrics,
      ],
      ['text/plain;version=1.0.0;q=0.9, text/plain; version=0.0.4; q=0.3', text],
    ] as const;
    for (const [accept, format] of cases) assert.equal(formatFor(accept), format, accept);
  });

  test('qualities decide, and of equal ones the richer format', () => {
    assert.equal(formatFor(`${PROTO};q=0.2, text/plain;q=0.7`), 'text');
    assert.equal(formatFor(`application/openmetrics-text;q=0.7, ${PROTO};q=0.7, text/plain;q=0.7`), 'protobuf');
    assert.equal(formatFor('application/openmetrics-text;q=0.5, */*'), 'text');
    assert.equal(formatFor('text/plain;q=0.1, */*;q=1, application/openmetrics-text;q=0.2'), 'openMetrics');
  });

  test('quality 0 and what is malformed are no wish', () => {
    assert.equal(formatFor(`${PROTO};q=0, application/openmetrics-text;q=0.1`), 'openMetrics');
    for (const accept of [`${PROTO};q=2`, `${PROTO};q=x`, ';;,,=', 'application/json', `${PROTO};q=-1`]) {
      assert.equal(formatFor(accept), 'text', accept);
    }
  });

  test('protobuf is given to those alone who want delimited metric families, OpenMetrics of version 1', () => {
    for (const accept of [
      'application/vnd.google.protobuf',
      'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text',
      'application/vnd.google.protobuf;proto=other;encoding=delimited',
      'application/openmetrics-text;version=0.0.1',
      'application/*',
    ]) {
      assert.equal(formatFor(accept), 'text', accept);
    }
    assert.equal(
      formatFor('Application/VND.google.protobuf; Proto="io.prometheus.client.MetricFamily"; encoding=delimited'),
      'protobuf',
    );
    assert.equal(formatFor('application/openmetrics-text'), 'openMetrics');
  });

  test('more ranges than any scraper sends are not looked at', () => {
    assert.equal(formatFor(`${'a/b,'.repeat(32)}${PROTO}`), 'text');
  });

  test('gzip is taken when it is named, or when everything is', () => {
    for (const field of ['gzip', 'deflate, gzip;q=0.5', '*', 'X-GZIP', 'identity;q=0.1, gzip']) {
      assert.equal(takesGzip(field), true, field);
    }
    for (const field of ['', 'identity', 'gzip;q=0', 'br', '*;q=0', 'gzip;q=0, *']) {
      assert.equal(takesGzip(field), false, field);
    }
  });
});
