/** What a worker reports of a probe: of the exchange that makes it, and of no other. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ENDPOINT, ENDPOINT_WORDS } from '#src/model/tallies.ts';
import { PROBE_RESULT, PROBE_RESULTS } from '#src/model/threads/load/capacity.ts';
import { beginProbe, probeAnswered, probeEnded } from '#src/proxy/forward/balance/probe.ts';
import { Endpoint } from '#src/proxy/forward/endpoint.ts';
import { bytesPerCall, COUNTED } from '../../../../support/proxy/allocation.ts';
import { bench } from '../../../../support/proxy/parts.ts';

const ID = 3;
const NUMBER = 9;

function probing() {
  const { lane, tallies } = bench({ routes: [] });
  const endpoint = new Endpoint(ID, '127.0.0.1', 80);
  const by = {};
  beginProbe(endpoint, by, NUMBER);
  const reported = (): number =>
    (tallies.endpoints[ID * ENDPOINT_WORDS + ENDPOINT.probe] ?? 0) - PROBE_RESULTS * NUMBER;
  return { endpoint, by, recorder: lane.recorder, reported };
}

for (const [effect, result] of [
  ['good', PROBE_RESULT.good],
  ['bad', PROBE_RESULT.bad],
  ['ignore', PROBE_RESULT.ignored],
] as const) {
  it(`one that ended ${effect} is over, and that is reported`, () => {
    const { endpoint, by, recorder, reported } = probing();
    probeEnded(endpoint, by, effect, recorder);
    assert.deepEqual([endpoint.probes, reported()], [null, result]);
  });
}

it('one that is answered is reported so, and goes on', () => {
  const { endpoint, by, recorder, reported } = probing();
  probeAnswered(endpoint, by, recorder);
  assert.deepEqual([endpoint.probes?.has(by), reported()], [true, PROBE_RESULT.answered]);
  probeEnded(endpoint, by, 'bad', recorder);
  assert.equal(reported(), PROBE_RESULT.bad);
});

it('what others do at the endpoint says nothing', () => {
  const { endpoint, recorder, reported } = probing();
  probeAnswered(endpoint, {}, recorder);
  probeEnded(endpoint, {}, 'bad', recorder);
  assert.deepEqual([endpoint.probes?.size, reported()], [1, -PROBE_RESULTS * NUMBER]);
  endpoint.probes = null;
  probeAnswered(endpoint, {}, recorder);
  probeEnded(endpoint, {}, 'bad', recorder);
  assert.equal(reported(), -PROBE_RESULTS * NUMBER);
});

it('one that was given up still reports, by its own number', () => {
  const { endpoint, by, recorder, reported } = probing();
  const next = {};
  beginProbe(endpoint, next, NUMBER + 1);
  probeEnded(endpoint, next, 'good', recorder);
  assert.equal(reported(), PROBE_RESULTS + PROBE_RESULT.good);
  probeEnded(endpoint, by, 'bad', recorder);
  assert.deepEqual([endpoint.probes, reported()], [null, PROBE_RESULT.bad]);
});

it('asking costs no memory', COUNTED, () => {
  const { endpoint, recorder } = probing();
  const by = {};
  const bytes = bytesPerCall(() => {
    probeAnswered(endpoint, by, recorder);
    probeEnded(endpoint, by, 'good', recorder);
  });
  assert.equal(bytes, 0, `${bytes} B`);
});
