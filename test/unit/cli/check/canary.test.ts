/** What the check makes of answers and addresses; test/integration/rollouts/check.test.ts runs it against a gateway. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { reachable, saysWell } from '#src/cli/check/canary.ts';

describe('a health answer', () => {
  it('is good unless its status says otherwise', () => {
    for (const body of [
      '',
      'ok',
      '{}',
      '[]',
      'null',
      '"down"',
      '{"status":"UP"}',
      '{"status":"pass"}',
      '{"status":true}',
      '{"status":200}',
    ]) {
      assert.equal(saysWell(body), true, body);
    }
    for (const body of [
      '{"status":"DOWN"}',
      '{"status":"fail"}',
      '{"status":""}',
      '{"status":false}',
      '{"status":"degraded","x":1}',
    ]) {
      assert.equal(saysWell(body), false, body);
    }
  });
});

describe('a gateway that listens on every address', () => {
  it('is asked where its admin server is', () => {
    for (const [proxyUrl, adminUrl, origin] of [
      ['http://0.0.0.0:8080', 'http://127.0.0.1:9900', 'http://127.0.0.1:8080'],
      ['http://[::]:8080', 'http://edge-1.test:9900', 'http://edge-1.test:8080'],
      ['https://0.0.0.0:8443', 'http://[::1]:9900', 'https://[::1]:8443'],
      ['http://10.0.0.7:8080', 'http://127.0.0.1:9900', 'http://10.0.0.7:8080'],
    ] as const) {
      assert.equal(reachable(proxyUrl, adminUrl), origin);
    }
  });
});
