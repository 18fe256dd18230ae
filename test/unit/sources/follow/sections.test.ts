/** What whole documents say beside routes and services: whether these have a say in what is another. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differApart } from '#src/sources/follow/sections.ts';
import { documentSchema } from '#src/sources/schema.ts';

const REST = { services: { shop: { versions: { v1: { endpoints: ['a:1'] } } } }, routes: [{ name: 'shop' }] };
const APART =
  'accessLog admin adminToken drain http listen listeners revisions saturation state timeouts tracing workers'.split(
    ' ',
  );

describe('two whole documents', () => {
  for (const section of Object.keys(documentSchema.shape)) {
    const isApart = APART.includes(section);
    it(`differ ${isApart ? 'only in what routes have no say in' : 'in more'} where ${section} is another`, () => {
      const { [section]: _, ...without } = { ...REST, [section]: {} } as Record<string, unknown>;
      const [one, other] = [
        { ...without, [section]: { a: 1 } },
        { ...without, [section]: { a: 2 } },
      ];
      assert.deepEqual(
        [differApart(one, other), differApart(without, other), differApart(other, without)],
        [isApart, isApart, isApart],
      );
    });
  }

  it('may have the same in objects of their own, and in another order', () => {
    const { services, routes } = structuredClone(REST);
    assert.equal(differApart({ ...REST, drain: { delay: '1s' } }, { routes, services }), true);
    assert.equal(differApart(REST, { routes, services, limits: {} }), false);
  });
});
