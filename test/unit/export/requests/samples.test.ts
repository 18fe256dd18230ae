import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ROUTES_MAX, Samples } from '#src/export/requests/samples.ts';
import { REASON } from '#src/model/reason.ts';
import { SAMPLES_MAX, type SampleRow } from '#src/model/threads/requests/samples.ts';

const rowOf = (route: string, id: string, isLate = false): SampleRow =>
  [
    ...[route, id, 'v1'],
    ...[2000, 480.0004, isLate ? 200 : 0],
    ...[isLate ? REASON.none : REASON.responseTimeout, isLate],
  ] as unknown as SampleRow;

suite('samples of requests', () => {
  test('are told apart by what they missed, newest first, the oldest let go', () => {
    const samples = new Samples();
    for (let n = 0; n < SAMPLES_MAX + 2; n++) samples.take([rowOf('shop', `bad-${n}`)], 1000);
    samples.take([rowOf('shop', 'late', true)], 1000);
    const [shop, ...others] = samples.list();
    assert.deepEqual(others, []);
    assert.deepEqual(
      shop?.bad.map(({ requestId }) => requestId),
      ['bad-6', 'bad-5', 'bad-4', 'bad-3', 'bad-2'],
    );
    const at = '1970-01-01T00:00:03.000Z';
    assert.deepEqual(shop?.slow, [
      { requestId: 'late', version: 'v1', at, latencyMs: 480, status: 200, reason: 'none' },
    ]);
    assert.deepEqual([samples.of('shop'), samples.of('pay')], [shop, null]);
    assert.deepEqual([shop?.bad[0]?.status, shop?.bad[0]?.reason], [null, 'response_timeout']);
  });

  test('the route that was heard of least recently makes room', () => {
    const samples = new Samples();
    for (let n = 0; n < ROUTES_MAX; n++) samples.take([rowOf(`route-${n}`, 'r')], 0);
    samples.take([rowOf('route-0', 'again')], 0);
    samples.take([rowOf('one more', 'r')], 0);
    const routes = new Set(samples.list().map(({ route }) => route));
    assert.deepEqual(
      [routes.size, routes.has('route-0'), routes.has('route-1'), routes.has('one more')],
      [ROUTES_MAX, true, false, true],
    );
  });

  test('what was told does not change afterwards', () => {
    const samples = new Samples();
    samples.take([rowOf('shop', 'r1')], 0);
    const before = samples.list();
    samples.take([rowOf('shop', 'r2')], 0);
    assert.equal(before[0]?.bad.length, 1);
  });
});
