import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { OpenWeights, READINGS_MAX, WeightsStores } from '#src/compose/config/weights/stores.ts';
import type { ConsulSettings } from '#src/sources/stores/settings.ts';
import type { Kept, WeightsStore } from '#src/sources/stores/write/writer.ts';
import { startFake } from '../../../../support/stores/fake.ts';

/** What is asked within a second is asked at the same moment, however long that takes here. */
function stopClock(t: TestContext): void {
  t.mock.method(performance, 'now', () => 0);
}

/** A store that answers when it is told to, and counts what it was asked. */
function rig(t: TestContext) {
  stopClock(t);
  const asked: string[] = [];
  let answer: (route: string) => Promise<Kept> = (route) => Promise.resolve({ text: route, revision: '1' });
  const store: WeightsStore = {
    documentOf: (route) => route,
    read: (route) => {
      asked.push(route);
      return answer(route);
    },
    write: () => Promise.reject(new Error('not asked')),
    close: () => void asked.push('closed'),
  };
  return { asked, weights: new OpenWeights(store), answerBy: (next: typeof answer) => void (answer = next) };
}

describe('readings of weights', () => {
  test('are shared by those who look at the same while it is asked for, and shortly after', async (t) => {
    const { asked, weights } = rig(t);
    const [one, other] = await Promise.all([weights.read('shop'), weights.read('shop')]);
    assert.equal(one, other);
    assert.equal(await weights.read('shop'), one);
    await weights.read('mail');
    assert.deepEqual(asked, ['shop', 'mail']);
    assert.equal(weights.isIdle, true);
  });

  test('are asked for anew after a write, and after a failure', async (t) => {
    const { asked, weights, answerBy } = rig(t);
    await weights.read('shop');
    weights.forget('shop');
    await weights.read('shop');
    answerBy(() => Promise.reject(new Error('away')));
    weights.forget('shop');
    await assert.rejects(weights.read('shop'), /away/);
    await assert.rejects(weights.read('shop'), /away/);
    assert.equal(asked.length, 4);
  });

  test('are bounded', async (t) => {
    const { asked, weights } = rig(t);
    for (let n = 0; n <= READINGS_MAX; n++) await weights.read(`r${n}`);
    const count = asked.length;
    await weights.read(`r${READINGS_MAX}`);
    assert.equal(asked.length, count);
    await weights.read('r0');
    assert.equal(asked.length, count + 1);
  });
});

test('a source is connected to once for many questions, and let go of when nobody asks', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  stopClock(t);
  const ports = new Set<number | undefined>();
  let asked = 0;
  const { url } = await startFake(t, (_, response) => {
    ports.add(response.socket?.remotePort);
    asked++;
    response.statusCode = 404;
    response.setHeader('x-consul-index', '7').end();
  });
  const stores = new WeightsStores();
  const reach = {
    address: url,
    token: null,
    datacenter: null,
    tls: null,
    waitMs: 1000,
    consistency: 'default',
  } as const;
  const settings: ConsulSettings = { kind: 'consul', prefix: 'sluice', ...reach };
  const first = stores.of(settings);
  for (const route of ['a', 'b', 'a', 'c', 'd', 'e', 'f', 'g']) assert.equal((await first?.read(route))?.text, null);
  assert.equal(asked, 7);
  assert.ok(ports.size <= 2, `${ports.size} connections`);
  assert.equal(stores.of(settings), first);
  t.mock.timers.tick(10_000);
  assert.notEqual(stores.of(settings), first);
  stores.close();
});
