/** wrk through the running gateway: many connections at once, no error, no answer but 200. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { echoGateway } from '../../support/proxy/echo.ts';
import { findBinary } from '../../support/runner/servers.ts';

const WRK = findBinary('wrk');
const run = promisify(execFile);

it('wrk meets no error over 64 connections', { skip: WRK === null ? 'wrk is missing' : false }, async (t) => {
  const { url, connections } = await echoGateway(t);
  for (const path of ['/echo', '/chunked']) {
    const { stdout } = await run(WRK as string, ['-t1', '-c64', '-d1s', '--timeout', '5s', url + path]);
    assert.doesNotMatch(stdout, /Socket errors|Non-2xx/, stdout);
    assert.match(stdout, /^\s+[1-9]\d* requests in /m);
  }
  assert.ok(connections() <= 2 * 64, 'the service sees pooled connections only');
});
