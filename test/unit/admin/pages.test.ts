import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Status } from '#src/model/status.ts';
import { sampleDecision, sampleStatus } from '../../support/readings/status.ts';
import { pagesOf, sampleView } from '../../support/readings/view.ts';

const NOT_STARTED: Partial<Status> = {
  ready: false,
  notReadyBecause: 'workers are starting',
  workers: [{ id: 0, state: 'starting', revision: 0, restarts: 0 }],
};

suite('pages', () => {
  test('a ready gateway passes all probes', async () => {
    const pages = pagesOf(sampleView());
    for (const path of ['/livez', '/readyz', '/startupz', '/healthz']) {
      const reply = await pages(path);
      assert.deepEqual([reply.status, reply.body], [200, 'ok\n'], path);
    }
  });

  test('readiness fails with the reason', async () => {
    const pages = pagesOf(sampleView({ status: () => sampleStatus({ ready: false, notReadyBecause: 'draining' }) }));
    for (const path of ['/readyz', '/healthz']) {
      const reply = await pages(path);
      assert.deepEqual([reply.status, reply.body], [503, 'not ready: draining\n']);
    }
  });

  test('verbose readiness lists the checks', async () => {
    const reply = await pagesOf(sampleView())('/readyz?verbose');
    assert.equal(reply.status, 200);
    assert.match(reply.body, /^\[\+\]configuration ok: /);
    assert.match(reply.body, /readyz check passed\n$/);
    const failed = pagesOf(sampleView({ status: () => sampleStatus(NOT_STARTED) }));
    const verbose = await failed('/readyz?verbose=1');
    assert.equal(verbose.status, 503);
    assert.match(verbose.body, /\[-\]workers failed: 0 of 1 serving\n/);
    assert.match(verbose.body, /readyz check failed\n$/);
  });

  test('health with the configuration says whether it is what the sources hold', async () => {
    const same = await pagesOf(sampleView())('/healthz?include=config');
    assert.deepEqual([same.status, same.contentType], [200, 'application/json']);
    const hash = '3f9a1c00'.repeat(8);
    const { config } = JSON.parse(same.body) as { config: Record<string, unknown> };
    assert.deepEqual(config, {
      revision: 12,
      snapshot: 3,
      hash,
      loadedAt: '2026-11-01T08:01:00.000Z',
      sourceHash: hash,
      isSame: true,
      sentence: 'what is in force is what the sources hold',
      staleMs: 0,
      pin: null,
      staleStart: null,
      lastResult: 'accepted',
      problems: 0,
    });
    const pin = { from: 'a', to: 11, hash, at: 'now', by: 'api', reason: 'it broke search' };
    const revisions = { ...sampleStatus().revisions, sourceHash: 'a', pin, difference: 'pinned to revision 11' };
    const status = sampleStatus({ revisions, ready: false, notReadyBecause: 'draining' });
    const other = await pagesOf(sampleView({ status: () => status }))('/healthz?include=config');
    assert.equal(other.status, 503);
    const told = JSON.parse(other.body) as { ready: boolean; config: Record<string, unknown> };
    assert.deepEqual(
      [told.ready, told.config['isSame'], told.config['sentence']],
      [false, false, 'pinned to revision 11'],
    );
    assert.deepEqual(told.config['pin'], pin);
    assert.equal((await pagesOf(sampleView())('/healthz?include=all')).body, 'ok\n');
  });

  test('history and comparisons are JSON, and say what is not there', async () => {
    const diff = { before: '1 ab', after: '2 cd', changes: [], more: 0 };
    const asked: string[] = [];
    const pages = pagesOf(
      sampleView({
        diff: (before, after) => {
          asked.push(`${before}-${after}`);
          if (before === '9') return { kind: 'unknown', detail: 'there is no revision 9' };
          if (before === '8') return { kind: 'refused', detail: 'it was let go' };
          return { kind: 'done', diff };
        },
      }),
    );
    assert.deepEqual(JSON.parse((await pages('/api/v1/config/history')).body), { revisions: [] });
    assert.deepEqual(JSON.parse((await pages('/api/v1/config/diff')).body), diff);
    assert.equal((await pages('/api/v1/config/diff?before=9&after=sources')).status, 404);
    assert.equal((await pages('/api/v1/config/diff?before=8')).status, 409);
    assert.deepEqual(asked, ['-', '9-sources', '8-']);
  });

  test('start-up, once over, stays over', async () => {
    let status = sampleStatus(NOT_STARTED);
    const pages = pagesOf(sampleView({ status: () => status }));
    assert.equal((await pages('/startupz')).status, 503);
    status = sampleStatus();
    assert.equal((await pages('/startupz')).status, 200);
    status = sampleStatus(NOT_STARTED);
    assert.equal((await pages('/startupz')).status, 200);
  });

  test('a process that is not live says so', async () => {
    assert.equal((await pagesOf(sampleView({ live: () => false }))('/livez')).status, 503);
  });

  test('status and decisions are JSON', async () => {
    const pages = pagesOf(sampleView());
    assert.deepEqual(JSON.parse((await pages('/api/v1/status')).body), sampleStatus());
    assert.deepEqual(JSON.parse((await pages('/api/v1/decisions')).body), { decisions: [sampleDecision()] });
  });

  test('scrapes beyond those that are under way are told when to come again', async () => {
    const pages = pagesOf(sampleView({ scrape: () => Promise.resolve(null) }));
    const { status, headers, body } = await pages('/metrics');
    assert.deepEqual([status, headers?.['retry-after']], [503, '1']);
    assert.match(body, /Too many metrics pages/);
  });

  test('a browser gets the live page, everybody else the index', async () => {
    const pages = pagesOf(sampleView());
    const page = await pages('/?route=checkout', 'text/html,application/xhtml+xml');
    assert.equal(page.contentType, 'text/html; charset=utf-8');
    assert.match(page.body, /v2 rolled back: 12 bad of 200/);
    assert.deepEqual([page.headers?.['vary'], (await pages('/', '*/*')).headers?.['vary']], ['accept', 'accept']);
    assert.equal((await pages('/', '*/*')).contentType, 'text/plain; charset=utf-8');
    assert.equal((await pages('/page/browser/app.js')).contentType, 'text/javascript; charset=utf-8');
    for (const path of ['/page/', '/page/../server.ts', '/page/browser/../assets.ts', '/page/assets.ts']) {
      assert.equal((await pages(path)).status, 404, path);
    }
  });

  test('the moment is JSON with what happened, and a route that is not shown has no history', async () => {
    const pages = pagesOf(sampleView());
    const board = JSON.parse((await pages('/api/v1/board')).body) as { routes: unknown[]; events: { kind: string }[] };
    assert.deepEqual([board.routes.length, board.events[0]?.kind], [1, 'rollback']);
    const history = JSON.parse((await pages('/api/v1/board/history?route=checkout')).body) as { route: string };
    assert.equal(history.route, 'checkout');
    assert.equal((await pages('/api/v1/board/history?route=nowhere')).status, 404);
  });

  test('a probe asks for nothing that grows with the routes', async () => {
    const costly = (): never => assert.fail('a probe looked at routes');
    const status = Object.defineProperties(sampleStatus(), { routes: { get: costly }, slos: { get: costly } });
    const pages = pagesOf(sampleView({ status: () => status }));
    for (const path of ['/livez', '/readyz', '/readyz?verbose', '/startupz', '/healthz', '/healthz?include=config']) {
      assert.equal((await pages(path)).status, 200, path);
    }
  });

  test('the index names every page', async () => {
    const { body } = await pagesOf(sampleView())('/');
    for (const path of [
      '/livez',
      '/readyz',
      '/startupz',
      '/healthz',
      '/api/v1/status',
      '/api/v1/config/history',
      '/api/v1/decisions',
    ]) {
      assert.ok(body.includes(`\n${path} `), path);
      assert.equal((await pagesOf(sampleView())(path)).status, 200, path);
    }
  });

  test('any other path is a 404 that repeats no control characters', async () => {
    const pages = pagesOf(sampleView());
    for (const path of [
      '/nothing',
      '/readyz/',
      '//readyz',
      '/READYZ',
      '/./readyz',
      '/%72eadyz',
      'http://x/readyz',
      '*',
      '',
    ]) {
      const reply = await pages(path);
      assert.equal(reply.status, 404, path);
    }
    const reply = await pages(`/\u001b[31m${'x'.repeat(500)}`);
    assert.ok(!reply.body.includes('\u001b') && reply.body.length < 300);
  });
});
