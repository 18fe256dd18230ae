import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fragmentOf } from '#src/cli/slo/transfer.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { CONFIG, OPENSLO, runOver } from '../../../support/readings/slo-file.ts';

const PLAIN = `${CONFIG.split('      composite')[0]}`
  .replace('business: {target: 0.99, atLeast: 0.95}\n', '')
  .replace('    value: 3\n', '');

const valuesOf = (text: string): readonly unknown[] => {
  const read = sloTools.readYaml(text);
  assert.ok(read.ok);
  return read.documents.map(({ value }) => value);
};

describe('export', () => {
  for (const [format, count, sign] of [
    ['prometheus', 1, 'slo:sli_error:ratio_rate5m'],
    ['sloth', 3, 'prometheus/v1'],
    ['pyrra', 5, 'pyrra.dev/v1alpha1'],
    ['openslo', 5, 'openslo/v1'],
  ] as const) {
    it(`writes ${format}`, async () => {
      const { code, out } = await runOver({ 'a.yaml': CONFIG }, ['slo', 'export', 'a.yaml', '--format', format]);
      assert.equal(code, 0);
      assert.equal(valuesOf(out).length, count);
      assert.ok(out.includes(sign));
    });
  }

  it('tells of what a format has no form for', async () => {
    const { err } = await runOver({ 'a.yaml': CONFIG }, ['slo', 'export', 'a.yaml', '--format', 'openslo']);
    assert.deepEqual(err.split('\n').slice(0, 2), [
      'warning: composite of route checkout is left out: OpenSLO has no form for it',
      'warning: business of gateway business is left out: OpenSLO has no form for it',
    ]);
  });

  it('takes a format that it has', async () => {
    const wrong = await runOver({ 'a.yaml': CONFIG }, ['slo', 'export', 'a.yaml', '--format', 'slot']);
    assert.deepEqual([wrong.code, /did you mean sloth\?/.test(wrong.err)], [2, true]);
    assert.equal((await runOver({}, ['slo', 'export', 'a.yaml'])).code, 2);
    assert.equal((await runOver({}, ['slo', 'export', '--format', 'sloth'])).code, 2);
  });

  it('needs objectives in a sound file', async () => {
    const none = CONFIG.slice(CONFIG.indexOf('services')).replaceAll(/ {4}(?:slo|value).*\n(?: {6}.*\n)*/g, (text) =>
      text.includes('versions') ? text.slice(text.indexOf('    versions')) : '',
    );
    const empty = await runOver({ 'a.yaml': none }, ['slo', 'export', 'a.yaml', '--format', 'sloth']);
    assert.deepEqual([empty.code, empty.out], [1, ''], empty.err);
    const wrong = await runOver({ 'a.yaml': 'x: 1\n' }, ['slo', 'export', 'a.yaml', '--format', 'sloth']);
    assert.deepEqual([wrong.code, wrong.out], [1, '']);
    assert.match(wrong.err, /SLU1020/);
  });
});

/** A route whose objectives have a period of the calendar and more. */
const MONTHLY = PLAIN.replace(
  'availability: 0.999\n',
  'availability: 0.999\n      timeWindow: {duration: 1M}\n      budgetPolicy: {freeze: false}\n      drift: {}\n',
);

describe('what a format has no form for', () => {
  it('is told of by OpenSLO, and comes back as far as it has one', async () => {
    const exported = await runOver({ 'a.yaml': MONTHLY }, ['slo', 'export', 'a.yaml', '--format', 'openslo']);
    assert.equal(exported.err, 'warning: left out of route checkout: budgetPolicy, drift (no form in openslo)\n');
    const imported = await runOver({ 'b.yaml': exported.out }, ['slo', 'import', 'b.yaml', '--format', 'openslo']);
    const [{ routes }] = valuesOf(imported.out) as [{ routes: { slo: { timeWindow: unknown } }[] }];
    assert.deepEqual([routes[0]?.slo.timeWindow, imported.err], [{ duration: '1M', isRolling: false }, '']);
  });

  for (const format of ['prometheus', 'sloth', 'pyrra']) {
    it(`is told of by ${format}, once for both objectives`, async () => {
      const { err } = await runOver({ 'a.yaml': MONTHLY }, ['slo', 'export', 'a.yaml', '--format', format]);
      assert.equal(err, `warning: left out of route checkout: timeWindow (no form in ${format})\n`);
    });
  }

  it('is told of by an import', async () => {
    const run = (text: string) => runOver({ 'a.yaml': text }, ['slo', 'import', 'a.yaml', '--format', 'openslo']);
    assert.equal(
      (await run(OPENSLO)).err,
      'warning: left out of route checkout: alertPolicies (no form in a configuration)\n',
    );
    assert.match(
      (await run(OPENSLO.replace('28d', '90d'))).err,
      /SLU1217 spec\.timeWindow\[0\]\.duration.*90d.*read as 28d/,
    );
    const sliced = OPENSLO.replace('budgetingMethod: Occurrences', 'budgetingMethod: RatioTimeslices');
    assert.match(
      (await run(sliced.replace('target: 0.999', 'target: 0.999, timeSliceWindow: 1m'))).err,
      /SLU1217 spec\.budgetingMethod/,
    );
  });

  it('is told of where two windows meet in one slo', async () => {
    const { out } = await runOver({ 'a.yaml': MONTHLY }, ['slo', 'export', 'a.yaml', '--format', 'openslo']);
    const mixed = out.replace('1M', '1w');
    assert.notEqual(mixed, out);
    const { err } = await runOver({ 'b.yaml': mixed }, ['slo', 'import', 'b.yaml', '--format', 'openslo']);
    assert.equal(err, 'warning: left out of route checkout: timeWindow of latency (no form in a configuration)\n');
  });
});

describe('import', () => {
  it('gives back what was exported to OpenSLO', async () => {
    const exported = await runOver({ 'a.yaml': PLAIN }, ['slo', 'export', 'a.yaml', '--format', 'openslo']);
    const imported = await runOver({ 'b.yaml': exported.out }, ['slo', 'import', 'b.yaml', '--format', 'openslo']);
    assert.equal(imported.code, 0, imported.err);
    assert.deepEqual(valuesOf(imported.out), [
      {
        services: { shop: { slo: { availability: 0.9995 } } },
        routes: [{ name: 'checkout', slo: { availability: 0.999, latency: { threshold: '300ms', target: 0.99 } } }],
      },
    ]);
  });

  it('refuses what is no OpenSLO, has problems or nothing of the gateway', async () => {
    const run = (text: string) => runOver({ 'a.yaml': text }, ['slo', 'import', 'a.yaml', '--format', 'openslo']);
    assert.match((await run(CONFIG)).err, /a\.yaml is not openslo/);
    assert.match((await run(OPENSLO.replace('0.999', '99.9'))).err, /SLU1215 spec\.objectives\[0\]\.target/);
    const foreign = await run(OPENSLO.replaceAll('type: sluice', 'type: Datadog'));
    assert.deepEqual([foreign.code, foreign.out], [1, '']);
    const late = OPENSLO.replaceAll('sli: availability', 'sli: latency, threshold: 300ms');
    assert.match((await run(late)).err, /route checkout has latency and no availability/);
  });

  it('reads OpenAPI', async () => {
    const api = 'openapi: 3.0.3\ninfo: {x-slo-route: shop, x-slo-availability: 99.9}\npaths: {/a: {get: {}}}\n';
    const run = (text: string) => runOver({ 'a.yaml': text }, ['slo', 'import', 'a.yaml', '--format', 'openapi']);
    assert.deepEqual(valuesOf((await run(api)).out), [{ routes: [{ name: 'shop', slo: { availability: 0.999 } }] }]);
    assert.match((await run('swagger: "2.0"\n')).err, /expected an OpenAPI 3 document/);
    assert.match((await run('a: [\n')).err, /SLU1001/);
  });
});

it('objectives of a route are one slo', () => {
  const latency = {
    scope: 'route',
    name: 'a',
    indicator: 'latency',
    targetRatio: 0.9,
    thresholdMs: 100_000,
    calendar: null,
  } as const;
  assert.deepEqual(
    fragmentOf([{ ...latency, indicator: 'availability', targetRatio: 0.99, thresholdMs: null }, latency], sloTools),
    {
      routes: [{ name: 'a', slo: { availability: 0.99, latency: { threshold: '1m40s', target: 0.9 } } }],
    },
  );
});
