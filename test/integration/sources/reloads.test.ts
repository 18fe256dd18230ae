import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runReloads } from '../../support/stores/scenes/reloads.ts';
import { CONSUL, cannotRun, ETCD } from '../../support/stores/server.ts';

test('reloads from a file, Consul and etcd fail no request and cut no stream', {
  skip: cannotRun(CONSUL) || cannotRun(ETCD),
}, async () => {
  const { reloads, requests, failed, streams, cut } = await runReloads({ reloads: 50, routes: 40 });
  assert.ok(reloads >= 50 && requests > 500, `${reloads} reloads, ${requests} requests`);
  assert.deepEqual({ failed, cut }, { failed: 0, cut: [] }, `of ${requests} requests, of ${streams} streams`);
});
