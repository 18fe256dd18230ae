import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Config, RouteConfig, ServiceConfig } from '#src/model/config.ts';
import { UNITS_MAX } from '#src/model/tallies.ts';
import { type Compiled, compile } from '#src/snapshot/compile.ts';
import { hashConfig } from '#src/snapshot/hash.ts';
import { assignIds, type LiveIds, NO_IDS } from '#src/snapshot/live.ts';
import { DEFAULT_ROLLOUT, DEFAULT_SERVICE } from '#src/sources/defaults.ts';
import { configOf, SOUND } from '../support/config.ts';
import { samples } from '../support/runner/depth.ts';

const BASE = configOf(SOUND);
const RUNS = { numRuns: samples(200, 25) };

/** Services `s0`…`s3` with versions `v0`…`v2`, each version with some of six endpoints. */
const services = fc.array(fc.array(fc.uniqueArray(fc.nat(5)), { minLength: 3, maxLength: 3 }), {
  minLength: 4,
  maxLength: 4,
});

interface Draft {
  readonly services: readonly (readonly (readonly number[])[])[];
  /** Name, and the references with their weights; service and version are numbers. */
  readonly routes: readonly (readonly [name: number, refs: readonly (readonly [number, number, number])[], boolean])[];
}

const reference = fc.tuple(fc.nat(3), fc.nat(2), fc.nat(100));
const refs = fc.uniqueArray(reference, {
  minLength: 1,
  maxLength: 4,
  selector: ([service, version]) => service * 3 + version,
});
const routes = fc.uniqueArray(fc.tuple(fc.nat(9), refs, fc.boolean()), { maxLength: 8, selector: ([name]) => name });
const draft: fc.Arbitrary<Draft> = fc.record({ services, routes });

/** A configuration as the checks would let it through, as far as `compile` can tell. */
function build({ services: versions, routes: list }: Draft): Config {
  const built: ServiceConfig[] = versions.map((one, index) => ({
    name: `s${index}`,
    versions: one.map((endpoints, version) => ({
      name: `v${version}`,
      colors: [],
      limit: null,
      endpoints: endpoints.map((port) => ({ host: '10.0.0.1', port: port + 1, weight: 1 })),
    })),
    ...DEFAULT_SERVICE,
  }));
  return { ...BASE, services: built, routes: list.map(buildRoute) };
}

function buildRoute([name, list, isRollout]: Draft['routes'][number]): RouteConfig {
  const backendRefs = list.map(([service, version, weight]) => ({
    service: `s${service}`,
    version: `v${version}`,
    weight,
  }));
  const [stable, canary] = backendRefs;
  const rollout =
    isRollout && stable !== undefined && canary !== undefined
      ? { ...DEFAULT_ROLLOUT, stable: stable.version, canary: canary.version }
      : null;
  const [base] = BASE.routes;
  assert.ok(base !== undefined);
  return { ...base, name: `r${name}`, backendRefs, rollout };
}

function compileOne(config: Config, ids: LiveIds, revision: number): Compiled {
  const hash = hashConfig(config);
  return compile({ config, hash, revision, overrides: [], ids, mayRecycle: () => assert.fail('nothing is full') });
}

/** Every id in a snapshot by what it belongs to. */
function idsOf({ snapshot }: Compiled): Map<string, number> {
  const ids = new Map<string, number>();
  for (const route of snapshot.routes) {
    ids.set(`cell ${route.name}`, route.cell);
    for (const { service, version, cell, dial, unit } of route.splits) {
      ids.set(`cell ${route.name} ${service} ${version}`, cell);
      ids.set(`dial ${route.name} ${service} ${version}`, dial);
      if (unit >= 0) ids.set(`unit ${route.name} ${service} ${version}`, unit);
    }
  }
  for (const spec of snapshot.endpoints) if (spec !== null) ids.set(`endpoint ${spec.host} ${spec.port}`, spec.id);
  return ids;
}

/** Asserts that no two things of one kind have the same id. */
function assertDistinct(ids: ReadonlyMap<string, number>): void {
  const owners = new Map<string, string>();
  for (const [key, id] of ids) {
    const slot = `${key.split(' ')[0]} ${id}`;
    assert.equal(owners.get(slot), undefined, `${key} and ${owners.get(slot)} share ${slot}`);
    owners.set(slot, key);
  }
}

describe('compile', () => {
  test('gives the same for the same', () => {
    fc.assert(
      fc.property(draft, (one) =>
        assert.deepEqual(compileOne(build(one), NO_IDS, 1), compileOne(build(one), NO_IDS, 1)),
      ),
      RUNS,
    );
  });

  test('keeps every id through any sequence of reloads, and never gives one to two things', () => {
    fc.assert(
      fc.property(fc.array(draft, { maxLength: 12 }), (drafts) => {
        const known = new Map<string, number>();
        let ids = NO_IDS;
        for (const [index, one] of drafts.entries()) {
          const compiled = compileOne(build(one), ids, index + 1);
          ids = compiled.ids;
          for (const [key, id] of idsOf(compiled)) {
            assert.equal(known.get(key) ?? id, id, key);
            known.set(key, id);
          }
          assertDistinct(known);
        }
      }),
      RUNS,
    );
  });

  test('gives a route that was away its ids back', () => {
    fc.assert(
      fc.property(draft, fc.nat(7), draft, (one, index, between) => {
        const config = build(one);
        const first = compileOne(config, NO_IDS, 1);
        const rest = { ...config, routes: config.routes.toSpliced(index, 1) };
        const without = compileOne(rest, first.ids, 2);
        const other = compileOne(build(between), without.ids, 3);
        assert.deepEqual(idsOf(compileOne(config, other.ids, 4)), idsOf(first));
      }),
      RUNS,
    );
  });

  test('seeds depend on names alone', () => {
    fc.assert(
      fc.property(draft, draft, (one, before) => {
        const seeds = ({ snapshot }: Compiled): number[] =>
          snapshot.routes.flatMap((route) => route.splits.map(({ seed }) => seed));
        const fresh = compileOne(build(one), NO_IDS, 1);
        const later = compileOne(build(one), compileOne(build(before), NO_IDS, 1).ids, 2);
        assert.deepEqual(seeds(later), seeds(fresh));
      }),
      RUNS,
    );
  });
});

describe('ids in a table that overflows', () => {
  const range = fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: UNITS_MAX / 2 }));

  test('stay with the keys that stay, are distinct, and change hands only as is said', () => {
    fc.assert(
      fc.property(fc.array(range, { minLength: 2, maxLength: 12 }), (ranges) => {
        let table = NO_IDS.units;
        for (const [index, [start, count]] of ranges.entries()) {
          const before = table.ids;
          const wanted = Array.from({ length: count }, (_, offset) => `k${start + offset}`);
          const { table: next, recycled } = assignIds(table, wanted, index + 1, () => true);
          const lost = new Set(recycled.map(({ key }) => key));
          for (const [key, id] of before) assert.equal(next.ids.get(key), lost.has(key) ? undefined : id);
          for (const { key, id } of recycled) assert.equal(before.get(key), id);
          for (const key of wanted) assert.ok(next.ids.has(key));
          const ids = [...next.ids.values()];
          assert.equal(new Set(ids).size, ids.length);
          assert.ok(ids.every((id) => id >= 0 && id < UNITS_MAX));
          table = next;
        }
      }),
      { numRuns: samples(50, 15) },
    );
  });
});
