import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { openConsul } from '#src/sources/stores/consul/consul.ts';
import type { ConsulSettings } from '#src/sources/stores/settings.ts';
import { consulKeys } from '../../support/stores/keys.ts';
import { describeStore } from '../../support/stores/scenes/scenes.ts';
import { assertSince } from '../../support/stores/scenes/since.ts';
import { CONSUL, cannotRun, startStore } from '../../support/stores/server.ts';

describeStore({
  kind: CONSUL,
  nameOf: (key) => `consul sluice/${key}`,
  entry: (url) => `consul: {address: "${url}", wait: 1s}`,
  keys: (url) => consulKeys(url, 'sluice'),
});

describe('what Consul itself says', { skip: cannotRun(CONSUL) }, () => {
  const settings = (address: string): ConsulSettings => ({
    kind: 'consul',
    address,
    prefix: 'sluice',
    token: null,
    datacenter: null,
    consistency: 'default',
    waitMs: 1000,
    tls: null,
  });
  const never = new AbortController().signal;

  test('an index from before a reset is a change, and another prefix is not ours', async (t) => {
    const server = await startStore(CONSUL);
    t.after(() => server.end());
    const store = openConsul({ ...settings(server.url), consistency: 'consistent' });
    t.after(() => store.close());
    await consulKeys(server.url, 'sluice2').put('routes/other', 'x');
    assert.deepEqual((await store.list(never)).pieces, []);
    await consulKeys(server.url, 'sluice').put('routes/ü/', '');
    await consulKeys(server.url, 'sluice').put('routes/a', 'ä: 1');
    const { pieces, revision } = await store.list(never);
    assert.deepEqual(pieces, [{ name: 'consul sluice/routes/a', mount: { kind: 'route', name: 'a' }, text: 'ä: 1' }]);
    assert.deepEqual(await store.watch(revision, never, () => undefined), { kind: 'same' });
    assert.deepEqual(await store.watch('1000000', never, () => undefined), { kind: 'changed' });
    const wrong = openConsul({ ...settings(server.url), datacenter: 'nowhere', token: 'a-token-that-is-secret' });
    t.after(() => wrong.close());
    await assert.rejects(wrong.list(never), (error: Error) => {
      assert.match(error.message, /^consul 127\.0\.0\.1:\d+ sluice: status 500: No path to datacenter/);
      assert.doesNotMatch(error.message, /a-token-that-is-secret/);
      return true;
    });
  });

  test('what changed since a listing makes the listing of now', async (t) => {
    const server = await startStore(CONSUL);
    t.after(() => server.end());
    await assertSince(t, consulKeys(server.url, 'sluice'), () => openConsul(settings(server.url)));
  });
});
