import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { suite, type TestContext, test } from 'node:test';
import { formatStatus, statusCommand } from '#src/cli/admin/status.ts';
import type { RouteStatus, Status, VersionStatus } from '#src/model/status.ts';
import { recordedDeps } from '../../../support/cli.ts';
import {
  ONE_DEFECT,
  sampleRoute,
  sampleSaturation,
  sampleSource,
  sampleStatus,
  sampleVersion,
} from '../../../support/readings/status.ts';

/** An admin server that answers with one status. */
async function adminOf(context: TestContext, status: Status): Promise<string> {
  const server = createServer((request, response) => {
    response.statusCode = request.url === '/api/v1/status' ? 200 : 404;
    response.end(JSON.stringify(status));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

suite('status', () => {
  test('each source has a line, with what needs attention', () => {
    const away = sampleSource({
      name: 's',
      state: 'backing-off',
      lastError: 'ECONNREFUSED',
      shrink: { pieces: 0, forMs: 1 },
    });
    const unheard = sampleSource({ name: 'u', state: 'backing-off', pieces: 0, confirmedAt: '' });
    const recalled = {
      ...unheard,
      name: 'r',
      pieces: 2,
      staleMs: 9e4,
      staleStart: { confirmedAt: '', confirmedMs: 9e4 },
    };
    const shrunk = { ...recalled, shrink: { pieces: 1, forMs: 1 } };
    const sources = [sampleSource(), away, unheard, recalled, shrunk];
    const lines = formatStatus(sampleStatus({ sources })).split('\n');
    assert.deepEqual(lines.slice(3, 8), [
      'source   consul 127.0.0.1:8500 sluice  watching  12 documents  confirmed 2 s ago',
      'source   s  backing-off  12 documents  confirmed 2 s ago  a sudden loss to 0 is not believed  ECONNREFUSED',
      'source   u  backing-off  0 documents  no answer since the start',
      'source   r  backing-off  2 documents  no answer since the start, confirmed 1 min 30 s ago to the process before',
      'source   r  backing-off  2 documents  not confirmed since the start, confirmed 1 min 30 s ago to the process before  a sudden loss to 1 is not believed',
    ]);
  });

  test('signed documents have a line, with what was refused', () => {
    const refused = { unsigned: 0, wrong: 2, replayed: 1 };
    const keys = { keys: ['a', 'b'], because: '', reloads: { done: 0, failed: 0 } };
    const signatures = { ...keys, documents: 3, isWaiting: true, refused };
    const lines = formatStatus(sampleStatus({ signatures })).split('\n');
    const told =
      'signed   3 documents, keys a, b  2 refused: wrong  1 refused: replayed  a document waits for its signature';
    assert.equal(lines[3], told);
    const kept = {
      ...signatures,
      because: 'keys, line 1 is no key',
      isWaiting: false,
      refused: { ...refused, wrong: 0 },
    };
    const [, , , line] = formatStatus(sampleStatus({ signatures: kept })).split('\n');
    assert.equal(line, 'signed   3 documents, keys a, b  as before: keys, line 1 is no key  1 refused: replayed');
  });

  test('each listener with TLS has a line, with the OCSP responses that are not stapled', () => {
    const certificate = { names: ['a.test'], notAfter: '', expiresInMs: 90_000_000 };
    const staples = [null, { nextUpdate: null, because: '' }, { nextUpdate: '', because: 'one that expired' }];
    const certificates = staples.map((staple) => ({ ...certificate, staple }));
    const listener = { address: ':443', state: 'serving', because: '', clientAuth: 'off', certificates } as const;
    const tls = { listeners: [listener], upstreamsFailed: [], reloads: { done: 0, failed: 0 } };
    const line = formatStatus(sampleStatus({ tls })).match(/^tls .*$/m)?.[0];
    const told = '3 certificates  1 days left  OCSP response 2 not stapled: one that expired';
    assert.equal(line, `tls      :443  serving  ${told}`);
  });

  test('the table says what is in force, what was set, and what came of it', () => {
    const lines = formatStatus(sampleStatus()).split('\n');
    assert.deepEqual(lines, [
      'sluice 0.1.0  ready  up 1 min 30 s',
      'proxy    http://127.0.0.1:8080',
      'config   gateway.yaml #3f9a1c00  revision 12  2 reloads accepted, 1 refused',
      'workers  2 of 2 serving',
      '',
      'route checkout  1000 requests, 1.2 % errors',
      '               weight  set  share  requests  bad  errors      p50      p99',
      '  checkout v1      80   80   80 %       800    0     0 %  5.00 ms  12.0 ms',
      '  checkout v2       0   20   20 %       200   12     6 %  5.00 ms  12.0 ms',
      '  rolled-back: v2 rolled back: 12 bad of 200 against 0 of 800',
      '',
    ]);
  });

  test('a process that is short of something says of what', () => {
    const because = 'worker-0: its event loop is 312 ms late';
    const lineOf = (acts: boolean) =>
      formatStatus(sampleStatus({ saturation: sampleSaturation({ grade: 'shedding', because, acts }) })).split('\n')[4];
    assert.equal(lineOf(true), 'LIMITS   shedding: worker-0: its event loop is 312 ms late');
    assert.equal(lineOf(false), 'LIMITS   shedding, only observed: worker-0: its event loop is 312 ms late');
  });

  test('a defect of the program has a line', () => {
    const lines = formatStatus(sampleStatus({ defects: ONE_DEFECT })).split('\n');
    assert.equal(lines[4], 'DEFECT   SLU1925 in rollouts checkout, 2 times: TypeError at judgement.ts:68:5');
  });

  test('what needs attention is listed: weights that are not the operator’s, endpoints without their full share', () => {
    const counts = { inFlight: 0, connections: 0, requests: 9, bad: 5, connectFailures: 0, panics: 0, ejections: 1 };
    const up = { ...counts, address: '10.0.0.1:80', state: 'up', capacityRatio: 1, because: '' } as const;
    const because = '5 errors in a row, back in 12 s';
    const ejected = { ...counts, address: '10.0.0.2:80', state: 'ejected', capacityRatio: 0, because } as const;
    const version = sampleVersion({ weight: 0, weightBecause: 'it was worse', endpoints: [up, ejected] });
    const text = formatStatus(sampleStatus({ routes: [sampleRoute({ versions: [version], rollout: null })] }));
    assert.deepEqual(text.split('\n').slice(-3, -1), [
      '  checkout v1 has weight 0: it was worse',
      '  checkout v1 10.0.0.2:80 ejected: 5 errors in a row, back in 12 s',
    ]);
  });

  test('fallbacks are told where something fell back', () => {
    const textOf = (fallbacks: RouteStatus['fallbacks']) =>
      formatStatus(sampleStatus({ routes: [sampleRoute({ fallbacks })] }));
    const line = /^ {2}fell back: 7 to kept answers, 0 to another version, 2 to a fixed answer$/m;
    assert.match(textOf({ stale: 7, service: 0, static: 2 }), line);
    assert.doesNotMatch(textOf({ stale: 0, service: 0, static: 0 }) + textOf(null), /fell back/);
  });

  test('retries are told where there are any, or should have been', () => {
    const textOf = (retries: VersionStatus['retries']) =>
      formatStatus(sampleStatus({ routes: [sampleRoute({ versions: [sampleVersion({ version: 'v2', retries })] })] }));
    assert.match(
      textOf({ made: 7, hedged: 2, skipped: 4 }),
      /^ {2}checkout v2: 7 retries, 2 hedges, 4 not made as the retry budget was empty$/m,
    );
    assert.doesNotMatch(textOf({ made: 0, hedged: 0, skipped: 0 }), /retries/);
  });

  test('rescues are told where something went wrong', () => {
    const textOf = (rescued: VersionStatus['rescued']) =>
      formatStatus(sampleStatus({ routes: [sampleRoute({ versions: [sampleVersion({ version: 'v2', rescued })] })] }));
    const none = { good: 0, bad: 0, ignored: 0, skipped: 0 };
    assert.match(
      textOf({ good: 7, bad: 2, ignored: 1, skipped: 4 }),
      /^ {2}checkout v2: 10 failures rescued, 2 of them in vain, 4 not rescued$/m,
    );
    assert.doesNotMatch(textOf(none) + textOf(null), /rescued/);
  });

  test('no data is a dash, never a zero', () => {
    const idle = sampleVersion({ requests: 0, errorRatio: null, shareRatio: null, p50Ms: null, p99Ms: null });
    const status = sampleStatus({
      uptimeMs: 7_384_000,
      routes: [sampleRoute({ requests: 0, errorRatio: null, versions: [idle], rollout: null })],
    });
    const text = formatStatus(status);
    assert.match(text, /up 2 h 3 min/);
    assert.match(text, /0 requests, - errors/);
    assert.match(text, /checkout v1 +80 +80 +- +0 +0 +- +- +-\n$/);
  });

  test('a gateway that is not ready, and a refused configuration, say so', () => {
    const config = sampleStatus().config;
    const text = formatStatus(
      sampleStatus({
        ready: false,
        notReadyBecause: 'draining',
        config: { ...config, last: { ...config.last, result: 'refused' } },
      }),
    );
    assert.match(text, /^sluice 0\.1\.0 {2}not ready: draining/);
    assert.match(text, /the newest was refused: 0 problems/);
  });

  test('the command prints the table, or the JSON, and exits by readiness', async (context) => {
    const ready = await adminOf(context, sampleStatus());
    const table = recordedDeps();
    assert.equal(await statusCommand.run(['--admin', ready], table.deps), 0);
    assert.equal(table.out(), formatStatus(sampleStatus()));
    const json = recordedDeps({ env: { SLUICE_ADMIN: ready } });
    assert.equal(await statusCommand.run(['-o', 'json'], json.deps), 0);
    assert.deepEqual(JSON.parse(json.out()), sampleStatus());
    const draining = await adminOf(context, sampleStatus({ ready: false, notReadyBecause: 'draining' }));
    assert.equal(await statusCommand.run(['--admin', draining], recordedDeps().deps), 1);
  });

  test('an admin server that cannot be reached, or is none, is exit 3 with the address and the reason', async (context) => {
    const closed = recordedDeps();
    assert.equal(await statusCommand.run(['--admin', 'http://127.0.0.1:1'], closed.deps), 3);
    assert.match(closed.err(), /cannot reach the admin server at http:\/\/127\.0\.0\.1:1: .+/);
    assert.equal(closed.out(), '');
    const nonsense = recordedDeps();
    assert.equal(await statusCommand.run(['--admin', 'not a url'], nonsense.deps), 3);
    const wrong = createServer((_request, response) => response.writeHead(404).end('nothing here'));
    await new Promise<void>((resolve) => wrong.listen(0, '127.0.0.1', resolve));
    context.after(() => wrong.close());
    const url = `http://127.0.0.1:${(wrong.address() as { port: number }).port}`;
    const stranger = recordedDeps();
    assert.equal(await statusCommand.run(['--admin', url], stranger.deps), 3);
    assert.match(stranger.err(), /\/api\/v1\/status answered 404: nothing here/);
  });

  test('a route whose weights are apart from it says where they are', () => {
    const linesOf = (reason: string): string =>
      formatStatus(
        sampleStatus({ routes: [sampleRoute({ weights: { document: 'etcd /w/checkout', revision: '17', reason } })] }),
      );
    assert.match(linesOf('evening peak'), /\n {2}weights from etcd \/w\/checkout, revision 17: evening peak\n/);
    assert.match(linesOf(''), /\n {2}weights from etcd \/w\/checkout, revision 17\n/);
    assert.doesNotMatch(formatStatus(sampleStatus()), /weights from/);
  });

  test('a version at which requests wait or were refused has a line, others have none', () => {
    const shed = { critical: 0, default: 0, degraded: 2, 'best-effort': 7 };
    const linesOf = (admission: VersionStatus['admission']): string =>
      formatStatus(sampleStatus({ routes: [sampleRoute({ versions: [sampleVersion({ admission })] })] }));
    const order = 'requests go by priority';
    const more = { shed, isCurbed: false, order };
    const busy = linesOf({ limit: 8, inFlight: 8, queued: 3, ...more });
    assert.match(
      busy,
      /checkout v1 has 8 of 8 requests under way, 3 wait; refused: 2 degraded, 7 best-effort\n {4}requests go by priority\n/,
    );
    assert.ok(!linesOf({ limit: 8, inFlight: 8, queued: 3, ...more, order: '' }).includes('\n    requests'));
    const none = { critical: 0, default: 0, degraded: 0, 'best-effort': 0 };
    assert.doesNotMatch(linesOf({ limit: 8, inFlight: 8, queued: 0, ...more, shed: none }), /under way/);
    assert.doesNotMatch(linesOf(null), /under way/);
  });
});
