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
