/** How long an exchange waits for a place. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Admission } from '#src/proxy/decide/admission/admission.ts';
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

/** An admission that refuses some of what comes. */
function refusing(): Admission<Exchange> {
  const admission = new Admission<Exchange>(1, 0);
  const on = bench();
  for (let nowMs = 0; nowMs < 5000; nowMs += 50) {
    for (let n = 0; n < 5; n++) admission.admit(exchangeOn(on), nowMs, NOTHING);
    admission.tick(nowMs);
  }
  return admission;
}

it('an exchange waits half of the stricter latency objective where requests are refused', () => {
  const admission = refusing();
  assert.equal(patienceMs(decided({ slowMs: 600, serviceSlowMs: 400 }), admission), 160);
  assert.equal(patienceMs(decided({ slowMs: 300, serviceSlowMs: 400 }), admission), 120);
  assert.equal(patienceMs(decided({}), admission), 200);
});

it('an exchange waits as long as for a connection where none are', () => {
  assert.equal(patienceMs(decided({ slowMs: 300 }), new Admission<Exchange>(1, 0)), 800);
});
