import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createPages } from '#src/admin/pages.ts';
import type { Status } from '#src/model/status.ts';
import { sampleDecision, sampleStatus } from '../../support/readings/status.ts';
import { sampleView } from '../../support/readings/view.ts';

const NOT_STARTED: Partial<Status> = {
  ready: false,
  notReadyBecause: 'workers are starting',
  workers: [{ id: 0, state: 'starting', revision: 0, restarts: 0 }],
};

suite('pages', () => {
  test('a ready gateway passes all probes', async () => {
    const pages = createPages(sampleView());
    for (const path of ['/livez', '/readyz', '/startupz', '/healthz']) {
      const reply = await pages(path);
      assert.deepEqual([reply.status, reply.body], [200, 'ok\n'], path);
    }
  });

  test('readiness fails with the reason', async () => {
    const pages = createPages(
      sampleView({ status: () => sampleStatus({ ready: false, notReadyBecause: 'draining' }) }),
    );
    for (const path of ['/readyz', '/healthz']) {
      const reply = await pages(path);
      assert.deepEqual([reply.status, reply.body], [503, 'not ready: draining\n']);
    }
  });

  test('verbose readiness lists the checks', async () => {
    const reply = await createPages(sampleView())('/readyz?verbose');
    assert.equal(reply.status, 200);
    assert.match(reply.body, /^\[\+\]configuration ok: /);
    assert.match(reply.body, /readyz check passed\n$/);
    const failed = createPages(sampleView({ status: () => sampleStatus(NOT_STARTED) }));
    const verbose = await failed('/readyz?verbose=1');
    assert.equal(verbose.status, 503);
    assert.match(verbose.body, /\[-\]workers failed: 0 of 1 serving\n/);
    assert.match(verbose.body, /readyz check failed\n$/);
  });

  test('health with the configuration says whether it is what the sources hold', async () => {
    const same = await createPages(sampleView())('/healthz?include=config');
    assert.deepEqual([same.status, same.contentType], [200, 'application/json']);
    const hash = '3f9a1c00'.repeat(8);
    const { config } = JSON.parse(same.body) as { config: Record<string, unknown> };
    assert.deepEqual(config, {
      revision: 3,
      number: 12,
      hash,
      loadedAt: '2026-11-01T08:01:00.000Z',
      sourceHash: hash,
      isSame: true,
      sentence: 'what is in force is what the sources hold',
      staleMs: 0,
      pin: null,
      lastResult: 'accepted',
      problems: 0,
    });
    const pin = { from: 'a', to: 11, hash, at: 'now', by: 'api', reason: 'it broke search' };
    const revisions = { ...sampleStatus().revisions, sourceHash: 'a', pin, difference: 'pinned to revision 11' };
    const status = sampleStatus({ revisions, ready: false, notReadyBecause: 'draining' });
    const other = await createPages(sampleView({ status: () => status }))('/healthz?include=config');
    assert.equal(other.status, 503);
    const told = JSON.parse(other.body) as { ready: boolean; config: Record<string, unknown> };
    assert.deepEqual(
      [told.ready, told.config['isSame'], told.config['sentence']],
      [false, false, 'pinned to revision 11'],
    );
    assert.deepEqual(told.config['pin'], pin);
    assert.equal((await createPages(sampleView())('/healthz?include=all')).body, 'ok\n');
  });

  test('history and comparisons are JSON, and say what is not there', async () => {
    const diff = { before: '1 ab', after: '2 cd', changes: [], more: 0 };
    const asked: string[] = [];
    const pages = createPages(
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
    const pages = createPages(sampleView({ status: () => status }));
    assert.equal((await pages('/startupz')).status, 503);
    status = sampleStatus();
    assert.equal((await pages('/startupz')).status, 200);
    status = sampleStatus(NOT_STARTED);
    assert.equal((await pages('/startupz')).status, 200);
  });

  test('a process that is not live says so', async () => {
    assert.equal((await createPages(sampleView({ live: () => false }))('/livez')).status, 503);
  });

  test('status and decisions are JSON, metrics is what the view gives', async () => {
    const pages = createPages(sampleView());
    assert.deepEqual(JSON.parse((await pages('/api/v1/status')).body), sampleStatus());
    assert.deepEqual(JSON.parse((await pages('/api/v1/decisions')).body), { decisions: [sampleDecision()] });
    const metrics = await pages('/metrics');
    assert.deepEqual([metrics.status, metrics.contentType, metrics.body], [200, 'text/plain; version=0.0.4', 'up 1\n']);
  });

  test('the index names every page', async () => {
    const { body } = await createPages(sampleView())('/');
    for (const path of [
      '/livez',
      '/readyz',
      '/startupz',
      '/healthz',
      '/metrics',
      '/api/v1/status',
      '/api/v1/decisions',
    ]) {
      assert.ok(body.includes(`\n${path} `), path);
      assert.equal((await createPages(sampleView())(path)).status, 200, path);
    }
  });

  test('any other path is a 404 that repeats no control characters', async () => {
    const pages = createPages(sampleView());
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
