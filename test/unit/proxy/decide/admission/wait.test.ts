/** How long an exchange waits for a place. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Gate } from '#src/proxy/decide/admission/gate.ts';
import { patienceMs } from '#src/proxy/decide/admission/wait.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import type { Exchange } from '#src/proxy/exchange.ts';
import { bench, exchangeOn, get, peerOf, readHead } from '../../../../support/proxy/parts.ts';

const NOTHING = { admitted: () => undefined, shed: () => undefined };
const VERSIONS = [{ name: 'v1', ports: [7001], weight: 1 }];

function decided(objectives: { slowMs?: number; serviceSlowMs?: number }): Exchange {
  const on = bench({ routes: [{ versions: VERSIONS, ...objectives }], timeouts: { pendingMs: 800 } });
  const x = exchangeOn(on);
  decide(x, readHead(on.table, get('/')), peerOf(), new Random(1));
  return x;
}

/** A gate that refuses some of what comes. */
function refusing(): Gate<Exchange> {
  const gate = new Gate<Exchange>(1, 0);
  const on = bench();
  for (let nowMs = 0; nowMs < 5000; nowMs += 50) {
    for (let n = 0; n < 5; n++) gate.admit(exchangeOn(on), nowMs, NOTHING);
    gate.tick(nowMs);
  }
  return gate;
}

it('an exchange waits half of the stricter latency objective where requests are refused', () => {
  const gate = refusing();
  assert.equal(patienceMs(decided({ slowMs: 600, serviceSlowMs: 400 }), gate), 200);
  assert.equal(patienceMs(decided({ slowMs: 300, serviceSlowMs: 400 }), gate), 150);
  assert.equal(patienceMs(decided({}), gate), 250);
});

it('an exchange waits as long as for a connection where none are', () => {
  assert.equal(patienceMs(decided({ slowMs: 300 }), new Gate<Exchange>(1, 0)), 800);
});
