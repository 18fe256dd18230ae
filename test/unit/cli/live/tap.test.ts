import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TapReader, TapSource } from '#src/admin/process/tap.ts';
import { runCli } from '#src/cli/cli.ts';
import { requestLine, type TappedRequest } from '#src/cli/live/tap.ts';
import type { TapWish } from '#src/model/threads/requests/tap.ts';
import { adminFor, depsOf } from '../../../support/readings/admin.ts';
import { WAITS } from '../../../support/runner/depth.ts';

const REQUEST: TappedRequest = {
  ...{ time: '2026-11-01T08:00:00.000Z', client: '192.0.2.1', method: 'GET', host: 'shop.example', path: '/cart' },
  ...{ status: 200, reason: 'none', route: 'shop', version: 'v1', rescuedFrom: null, endpoint: '10.0.0.1:80' },
  ...{ attempts: 1, durationMs: 12.345, fallback: null, pinned: false },
};
const LINE =
  '2026-11-01T08:00:00.000Z  200      12.3 ms  shop/v1           GET shop.example/cart  from 192.0.2.1  to 10.0.0.1:80\n';

/** Shows each reader these requests as soon as it is there. */
function showing(requests: readonly TappedRequest[], lost = 0) {
  const wishes: TapWish[] = [];
  let closed = 0;
  const taps: TapSource = {
    open: (wish, reader: TapReader) => {
      wishes.push(wish);
      setImmediate(() => {
        reader.take(requests as readonly (TappedRequest & Record<string, unknown>)[], {
          matched: requests.length + lost,
          overRate: lost,
          dropped: 0,
        });
      });
      return { kind: 'open', close: () => void closed++ };
    },
  };
  return { taps, wishes, closed: () => closed };
}

suite('sluice tap', { timeout: 240_000 }, () => {
  test('shows requests as text and as JSON, and ends after as many as were asked for', async (context) => {
    const { taps, wishes } = showing([REQUEST, REQUEST, REQUEST]);
    const url = await adminFor(context, { taps });
    const tap = async (...argv: string[]) => {
      const { deps, out, err } = depsOf(url);
      return [await runCli(['tap', ...argv], deps), out(), err()];
    };
    assert.deepEqual(await tap('--count', '2'), [0, LINE.repeat(2), '']);
    const [code, json] = await tap(
      '--count',
      '3',
      '-o',
      'json',
      '--route',
      'shop',
      '--rate',
      '7',
      '--outcome',
      'failed',
    );
    assert.equal(code, 0);
    assert.deepEqual(
      String(json)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
      Array(3).fill(REQUEST),
    );
    const { filter, perSecond } = wishes[1] as TapWish;
    assert.deepEqual([filter.route, filter.outcome, perSecond], ['shop', 'failed', 7]);
  });

  test('says what was not shown, and ends by a signal', WAITS, async (context) => {
    const url = await adminFor(context, showing([REQUEST], 41));
    const { deps, events, out, err } = depsOf(url);
    const stderr = {
      ...deps.stderr,
      write: (text: string) => {
        deps.stderr.write(text);
        events.emit('SIGINT');
      },
    };
    assert.equal(await runCli(['tap'], { ...deps, stderr }), 130);
    assert.equal(out(), LINE);
    assert.equal(err(), 'sluice: 1 of 42 requests shown: 41 over the rate, 0 dropped as somebody was too slow\n');
    assert.equal(events.listenerCount('SIGINT'), 0);
  });

  test('a request that went another way says so; nothing of it is a command to the terminal', () => {
    const odd = {
      status: null,
      reason: 'upstream_reset',
      rescuedFrom: 'v2',
      attempts: 2,
      fallback: 'stale',
      pinned: true,
    };
    const line = requestLine({ ...REQUEST, ...odd, path: '/a\u001b]0;x\u0007' });
    assert.match(line, / {2}--- .* shop\/v1\* .*upstream_reset, rescued from v2, fallback stale, 2 attempts\n$/);
    assert.ok(!/[\u0007\u001b]/.test(line));
    const bare = { method: null, host: null, path: null, route: null, version: null, endpoint: null, status: 400 };
    assert.match(requestLine({ ...REQUEST, ...bare }), / {2}400 .* - +\(head refused\) {2}from 192\.0\.2\.1\n$/);
  });

  test('exit codes: refused 1, usage 2, unreachable 3', async (context) => {
    const code = async (url: string, argv: string[], token?: string): Promise<[number, string]> => {
      const { deps, err } = depsOf(url, token);
      return [await runCli(['tap', ...argv], deps), err()];
    };
    const url = await adminFor(context, showing([]));
    assert.deepEqual((await code(url, [], ''))[0], 1);
    assert.match((await code(url, [], ''))[1], /set SLUICE_ADMIN_TOKEN/);
    assert.match((await code(url, ['--status', '9xx']))[1], /status is as 404/);
    assert.equal((await code(url, ['--count', '0']))[0], 2);
    assert.equal((await code(url, ['--colour', 'blue']))[0], 2);
    const [away, because] = await code('http://127.0.0.1:1', []);
    assert.equal(away, 3);
    assert.match(because, /cannot reach the admin server/);
  });
});
