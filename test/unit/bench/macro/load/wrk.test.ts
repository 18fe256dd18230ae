import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { SMALL_GET } from '../../../../../bench/macro/load/request.ts';
import { type Load, parseLoadResult, runLoad, warmUp } from '../../../../../bench/macro/load/wrk.ts';

const LINE =
  '{"requests":1200,"durationUs":2000000,"badStatus":0,"socketErrors":0,"p50Us":900,"p99Us":4000,"maxUs":9000}';

describe('parseLoadResult', () => {
  test('finds the report among what wrk prints', () => {
    const result = parseLoadResult(`Running 2s test\n${LINE}\n  1 threads\n`);
    assert.equal(result.requests, 1200);
    assert.equal(result.p99Us, 4000);
  });

  test('refuses silence and half a report', () => {
    assert.throws(() => parseLoadResult('unable to connect'), /reported nothing:\nunable to connect/);
    assert.throws(() => parseLoadResult(LINE.replace('"p99Us":4000,', '')), /no p99Us/);
  });
});

/** A load whose wrk writes its arguments to a file and reports. */
function fakeLoad(t: TestContext, seconds: number): { load: Load; args: () => string } {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-wrk-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const wrk = join(folder, 'wrk');
  writeFileSync(wrk, `#!/bin/sh\necho "$@" >> ${folder}/args\necho '${LINE}' >&2\n`);
  chmodSync(wrk, 0o755);
  const { signal } = new AbortController();
  const load = { wrk, folder, cores: [], port: 7001, shape: SMALL_GET, connections: 4096, seconds, signal };
  return { load, args: () => readFileSync(join(folder, 'args'), 'utf8') };
}

describe('runLoad', () => {
  test('says how long, over how many connections and what to send', async (t) => {
    const { load, args } = fakeLoad(t, 3);
    assert.equal((await runLoad(load)).requests, 1200);
    assert.match(args(), /^-t1 -c4096 -d3s .*-s \S+load-7001\.lua http:\/\/127\.0\.0\.1:7001\/\n$/);
  });

  test('warms up for no time without starting anything', async (t) => {
    const { load, args } = fakeLoad(t, 0);
    await warmUp(load);
    assert.throws(args, { code: 'ENOENT' });
    await warmUp({ ...load, seconds: 1 });
    assert.match(args(), /-d1s/);
  });
});
