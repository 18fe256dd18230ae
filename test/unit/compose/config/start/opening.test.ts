import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { feedsOf, locksOf, parserOf, startFeeds } from '#src/compose/config/start/opening.ts';
import { Random } from '#src/lib/random.ts';
import type { FleetConfig } from '#src/model/threads/fleet.ts';
import { buildSources } from '#src/sources/build/sources.ts';
import { mainDocument } from '#src/sources/document/pieces.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

const DEPS = { random: new Random(1), isSigned: false, onEvent: () => undefined };

test('sources are asked, and those that have not answered in time are named', async (t) => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-opening-'));
  t.after(() => rm(path, { recursive: true }));
  await writeFile(join(path, 'a.yaml'), SOUND);
  const there = feedsOf(buildSources({ sources: [{ directory: { path } }] }), DEPS);
  t.after(() => there.close());
  assert.equal(await startFeeds(there), null);
  assert.deepEqual([there.haveAnswered, there.documents().length], [true, 1]);
  const gone = join(path, 'gone');
  const namedWithin = async (startTimeout: string): Promise<string[]> => {
    const sources = [{ directory: { path } }, { directory: { path: gone } }];
    const away = feedsOf(buildSources({ sources, follow: { startTimeout } }), DEPS);
    t.after(() => away.close());
    const late = await startFeeds(away);
    assert.equal(late?.code, 'SLU_SOURCE_UNAVAILABLE');
    assert.equal(away.haveAnswered, false);
    return late.problems.map(({ file }) => file);
  };
  // On a machine that stands still the other one may be late as well.
  let named: string[] = [];
  for (const limit of ['100ms', '1s', '10s']) {
    named = await namedWithin(limit);
    if (named.length === 1) break;
  }
  assert.deepEqual(named, [`directory ${gone}`]);
});

test('small documents are read in place, with the variables of the environment', async () => {
  const parser = parserOf({ PORT: '7001' }, { error: (event) => assert.fail(String(event)) });
  const parsed = await parser.parse([mainDocument(SOUND.replace('7001', '${PORT}'), 'a.yaml')]);
  assert.equal(parsed?.ok && parsed.config.services[0]?.versions[0]?.endpoints[0]?.port, 7001);
  await parser.close();
});

test('locks are in the first source of their kind, or in Redis', () => {
  const fleet = (lock: string): FleetConfig | null =>
    configOf(
      `sources: [{etcd: {endpoints: ["http://127.0.0.1:1"]}}]\nfleet: {name: edge, lock: ${lock}, redis: {address: "redis://127.0.0.1:6379"}}\n${SOUND}`,
    ).fleet;
  const { list } = buildSources({ sources: [{ etcd: { endpoints: ['http://127.0.0.1:1'] } }] });
  assert.equal(locksOf(null, list), null);
  assert.equal(locksOf(fleet('redis'), list), null);
  assert.notEqual(locksOf(fleet('etcd'), list), null);
  assert.throws(() => locksOf(fleet('etcd'), []), /no source is etcd/);
});
