/** Weights between the route in force and the store that keeps them; the store is a directory. */

import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { WeightsStores } from '#src/compose/config/weights/stores.ts';
import { viewWeights, type WeightsDeps, writeWeights } from '#src/compose/config/weights/weights.ts';
import type { Log } from '#src/lib/log.ts';
import type { RouteConfig } from '#src/model/config.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { revisionOfText } from '#src/sources/stores/directory.ts';

const DOCUMENT = `
services:
  shop: {versions: {v1: {endpoints: ["127.0.0.1:1"]}, v2: {endpoints: ["127.0.0.1:2"]}}}
routes:
  - name: shop
    backendRefs: [{name: shop, version: v1, weight: 3}, {name: shop, version: v2}]
    slo: {availability: 0.99}
    rollout: {stable: v1, canary: v2}
`;

function routeOf(): RouteConfig {
  const parsed = parseConfig(DOCUMENT, 'gateway.yaml');
  assert.ok(parsed.ok);
  return parsed.config.routes[0] as RouteConfig;
}

async function rig(t: TestContext, changes: Partial<WeightsDeps> = {}) {
  const path = await mkdtemp(join(tmpdir(), 'sluice-weights-'));
  t.after(() => rm(path, { recursive: true }));
  const logged: string[] = [];
  const stores = new WeightsStores();
  t.after(() => stores.close());
  const note = (event: string): void => void logged.push(event);
  const deps: WeightsDeps = {
    route: (name) => (name === 'shop' ? routeOf() : null),
    versions: () => [],
    placeOf: () => ({ kind: 'directory', path }),
    stores,
    environment: { PEAK: '9' },
    isSigned: false,
    isStale: () => false,
    file: 'gateway.yaml',
    log: { info: note, warn: note } as unknown as Log,
    ...changes,
  };
  const write = (weights: Record<string, number>, revision = '0') =>
    writeWeights(deps, { route: 'shop', weights, revision, by: 'api', reason: 'a ${PEAK}' });
  return { deps, path, logged, write, file: join(path, 'shop.weights.json') };
}

describe('weights', () => {
  test('are written as they are to be read, and seen at once', async (t) => {
    const { deps, write, file, logged } = await rig(t);
    const answer = await write({ v2: 5 });
    const text = await readFile(file, 'utf8');
    assert.deepEqual(answer, { kind: 'written', document: file, revision: revisionOfText(text) });
    const view = await viewWeights(deps, 'shop');
    assert.deepEqual([view?.weights, view?.reason, view?.revision], [{ v2: 5 }, 'a ${PEAK}', revisionOfText(text)]);
    assert.deepEqual([view?.inForce, view?.problem, view?.document], [null, '', file]);
    assert.deepEqual(logged, ['weights_written']);
  });

  test('that somebody wrote by hand are shown with their variables', async (t) => {
    const { deps, path } = await rig(t);
    await writeFile(join(path, 'shop.weights.yaml'), 'weights:\n  v1: ${PEAK}\n');
    assert.deepEqual((await viewWeights(deps, 'shop'))?.weights, { v1: 9 });
  });

  test('that are not sound are said to be so, and can be replaced', async (t) => {
    const { deps, write, file } = await rig(t);
    await writeFile(file, 'weights: {v1: x}');
    const view = await viewWeights(deps, 'shop');
    assert.deepEqual([view?.weights, /not sound/.test(view?.problem ?? '')], [null, true]);
    assert.equal((await write({ v1: 1 }, view?.revision ?? '')).kind, 'written');
  });

  test('of another revision are not replaced, and what is there is told', async (t) => {
    const { write, logged } = await rig(t);
    await write({ v2: 5 });
    const answer = await write({ v2: 6 });
    assert.ok(answer.kind === 'conflict');
    assert.deepEqual(answer.present?.weights, { v2: 5 });
    assert.match(answer.detail, /is not at revision 0: it has revision [0-9a-f]{16} now; look at it/);
    assert.deepEqual(logged, ['weights_written', 'weights_not_written']);
  });

  test('that the gateways would refuse are not written', async (t) => {
    const { write } = await rig(t);
    const faults: [Record<string, number>, RegExp][] = [
      [{ v3: 1 }, /^v3: expected a version of the route: v1, v2, got "v3" \(did you mean v1\?\)$/],
      [{ v1: 0, v2: 0 }, /^expected a weight above 0, got weights that are all 0$/],
      [{ v1: 0 }, /^expected a stable version with a weight above 0, got "v1" with weight 0/],
    ];
    for (const [weights, detail] of faults) {
      const answer = await write(weights);
      assert.ok(answer.kind === 'invalid');
      assert.match(answer.detail, detail);
    }
  });

  test('are checked against what the route itself says, not against an earlier document', async (t) => {
    const weights = { document: 'd', revision: '1', reason: 'r', ownWeights: [0, 1], isSet: [true, false] };
    const { deps, write } = await rig(t, { route: () => ({ ...routeOf(), weights }) });
    assert.equal((await write({ v2: 1 })).kind, 'invalid', 'without the document stable would have no weight');
    assert.deepEqual((await viewWeights(deps, 'shop'))?.inForce, { document: 'd', revision: '1', reason: 'r' });
  });

  test('are not written where documents must be signed, which the gateway does not do', async (t) => {
    const { deps, path } = await rig(t, { isSigned: true });
    const answer = await writeWeights(deps, {
      route: 'shop',
      weights: { v2: 5 },
      revision: '0',
      by: 'api',
      reason: '',
    });
    assert.equal(answer.kind, 'refused');
    assert.deepEqual(await readdir(path), []);
  });

  test('are neither written nor told while nobody knows which source has them', async (t) => {
    const { deps, path, write } = await rig(t, { isStale: () => true });
    assert.equal((await write({ v2: 5 })).kind, 'unavailable');
    assert.deepEqual(await readdir(path), []);
    assert.match((await viewWeights(deps, 'shop'))?.problem ?? '', /not all have answered since the start/);
  });

  test('of a route that is not there, or that no source can hold, are not written', async (t) => {
    const { deps } = await rig(t, { placeOf: () => null });
    assert.equal(await viewWeights(deps, 'none'), null);
    const command = { weights: { v1: 1 }, revision: '0', by: 'api', reason: '' };
    assert.equal((await writeWeights(deps, { ...command, route: 'none' })).kind, 'unknown');
    const answer = await writeWeights(deps, { ...command, route: 'shop' });
    assert.ok(answer.kind === 'refused');
    assert.match(answer.detail, /the main document is gateway\.yaml/);
    const view = await viewWeights(deps, 'shop');
    assert.deepEqual([view?.revision, view?.document, view?.problem], [null, '', answer.detail]);
  });

  test('in a place that cannot be reached are certainly not written', async (t) => {
    const { deps, write } = await rig(t, { placeOf: () => ({ kind: 'directory', path: '/nowhere/at/all' }) });
    const answer = await write({ v1: 1 });
    assert.ok(answer.kind === 'unavailable');
    assert.match(answer.detail, /^nothing was written: /);
    const view = await viewWeights(deps, 'shop');
    assert.deepEqual([view?.revision, /ENOENT/.test(view?.problem ?? '')], [null, true]);
  });
});
