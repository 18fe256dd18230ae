/** Any `slo`, with any fields that the schema has: after OpenSLO each is what it was, or was named as left out. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { SCORE_FORMULAS } from '#src/model/slo.ts';
import { routeSlo } from '#src/sources/schema/slo.ts';
import { runOver } from '../../support/readings/slo-file.ts';
import { samples } from '../../support/runner/depth.ts';

const share = fc.integer({ min: 0, max: 100 }).map((n) => n / 100);
const target = fc.integer({ min: 1, max: 9999 }).map((n) => n / 10_000);
const weight = fc.integer({ min: 0, max: 10 });

const service = {
  availability: target,
  latency: fc.record(
    { threshold: fc.integer({ min: 1, max: 86_400_000 }).map(sloTools.writeDuration), target },
    { noNullPrototype: true },
  ),
  timeWindow: fc.constantFrom({ duration: '28d' }, { duration: '1w' }, { duration: '1M', isRolling: false }),
  errorWeights: fc.record({ client: weight, server: weight }, { requiredKeys: [] }),
  budgetPolicy: fc.record({ freeze: fc.boolean(), slowBelow: share, releaseAllowance: share }, { requiredKeys: [] }),
  composite: fc.record({ target, atLeast: share, formula: fc.constantFrom(...SCORE_FORMULAS) }),
};
const route = {
  ...service,
  ignorePaths: fc.constantFrom([], ['/healthz']),
  drift: fc.record({ keep: fc.constantFrom(0.05, 0.5, 1), accessLog: share }, { requiredKeys: [] }),
};

type Slo = { readonly [field in keyof typeof route]?: unknown };

/** A document with a route and a service. */
const document = fc.record({
  services: fc.record({
    shop: fc.record({
      slo: fc.record(service, { requiredKeys: ['availability'] }),
      versions: fc.constant({ v1: { endpoints: ['127.0.0.1:7001'] } }),
    }),
  }),
  routes: fc.tuple(
    fc.record({
      name: fc.constant('checkout'),
      backendRefs: fc.constant([{ name: 'shop' }]),
      slo: fc.record(route, { requiredKeys: ['availability'] }),
    }),
  ),
});

it('every field of the schema is tried', () => {
  assert.deepEqual(Object.keys(routeSlo.shape).toSorted(), Object.keys(route).toSorted());
});

it('an slo comes back from OpenSLO, and what does not is named', async () => {
  await fc.assert(
    fc.asyncProperty(document, async (written) => {
      const text = sloTools.writeYaml([written]);
      const exported = await runOver({ 'a.yaml': text }, ['slo', 'export', 'a.yaml', '--format', 'openslo']);
      assert.equal(exported.code, 0, exported.err);
      const imported = await runOver({ 'b.yaml': exported.out }, ['slo', 'import', 'b.yaml', '--format', 'openslo']);
      assert.deepEqual([imported.code, imported.err], [0, '']);
      const read = sloTools.readYaml(imported.out);
      assert.ok(read.ok);
      const [back] = read.documents as readonly { readonly value: typeof written }[];
      assert.ok(back !== undefined);
      const { services, routes } = back.value;
      compare('route checkout', written.routes[0].slo, routes[0].slo, exported.err);
      compare('service shop', written.services.shop.slo, services.shop.slo, exported.err);
    }),
    { numRuns: samples(60, 12) },
  );
});

function compare(whose: string, before: Slo, after: Slo, told: string): void {
  const lines = told.split('\n').filter((line) => line.includes(whose));
  for (const [field, value] of Object.entries(before) as [keyof Slo, unknown][]) {
    const isNamed = lines.some((line) => line.includes(field));
    const expected = field === 'timeWindow' ? windowOf(value as { readonly duration: string }) : value;
    if (isNamed) assert.equal(after[field], undefined, field);
    else assert.deepEqual(after[field], expected, field);
  }
}

/** As an import writes it: nothing for what goes without saying. */
function windowOf({ duration }: { readonly duration: string }) {
  return duration === '28d' ? undefined : { duration, isRolling: false };
}
