import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parseConfig } from '#src/sources/parse.ts';
import { sluice } from '../../../../../bench/macro/contenders/sluice.ts';

describe('the Sluice contender', () => {
  test('judges a canary with one worker: nothing is switched off to be fast', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const place = { folder, port: 7001, adminPort: 7002, upstreamPort: 7003, binary: (name: string) => name };
    const command = sluice.prepare(place);
    const file = command.at(-1) ?? '';
    const result = parseConfig(readFileSync(file, 'utf8'), file);
    assert.ok(result.ok, JSON.stringify(result));
    const { workers, listen, admin, routes } = result.config;
    assert.equal(workers, 1);
    assert.deepEqual([listen.port, admin.port], [7001, 7002]);
    assert.deepEqual(
      routes[0]?.backendRefs.map(({ weight }) => weight),
      [95, 5],
    );
    assert.equal(routes[0]?.sticky?.header, 'x-user-id');
    assert.equal(routes[0]?.slo?.latency?.thresholdMs, 300);
    assert.equal(routes[0]?.rollout?.canary, 'v2');
    assert.equal(sluice.readyUrl(place), 'http://127.0.0.1:7002/readyz');
    assert.match(sluice.version(place), /^\d+\.\d+\.\d+$/);
  });
});
