/** wrk through the running gateway: many connections at once, no error, no answer but 200. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { echoGateway } from '../../support/proxy/echo.ts';
import { findBinary } from '../../support/runner/servers.ts';

const WRK = findBinary('wrk');
const run = promisify(execFile);
/** How long it runs, until something was answered: while the machine stands still nothing is. */
const SECONDS = [1, 4, 16, 64];

it('wrk meets no error over 64 connections', { skip: WRK === null ? 'wrk is missing' : false }, async (t) => {
  const { url, connections } = await echoGateway(t);
  let runs = 0;
  for (const path of ['/echo', '/chunked']) {
    let requests = 0;
    for (const seconds of SECONDS) {
      const { stdout } = await run(WRK as string, ['-t1', '-c64', `-d${seconds}s`, '--timeout', '60s', url + path]);
      assert.doesNotMatch(stdout, /Socket errors|Non-2xx/, stdout);
      runs++;
      requests = Number(/^\s+(\d+) requests in /m.exec(stdout)?.[1]);
      if (requests > 0) break;
    }
    assert.ok(requests > 0, path);
  }
  assert.ok(connections() <= 64 * runs, 'the service sees pooled connections only');
});
