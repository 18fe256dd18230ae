/** When an endpoint is asked whether it is there, and when it is taken for gone. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ANSWER_MS, Pulse, REPEAT_MS } from '#src/proxy/forward/http2/pulse.ts';

const QUIET_MS = 20_000;

describe('an endpoint', () => {
  it('is asked after a silence, but only while streams are under way', () => {
    const pulse = new Pulse(QUIET_MS);
    assert.equal(pulse.dueAtMs, Number.POSITIVE_INFINITY);
    pulse.begin(100);
    assert.equal(pulse.dueAtMs, 100 + QUIET_MS);
    pulse.heard(500);
    assert.equal(pulse.dueAtMs, 500 + QUIET_MS);
    pulse.rest();
    assert.equal(pulse.dueAtMs, Number.POSITIVE_INFINITY);
  });

  it('is gone when it does not answer in time, and not before', () => {
    const pulse = new Pulse(QUIET_MS);
    pulse.ask(0);
    assert.equal(pulse.isAsking, true);
    pulse.begin(1);
    pulse.rest();
    assert.equal(pulse.dueAtMs, ANSWER_MS, 'the answer is awaited whatever happens');
    assert.deepEqual([pulse.isDead(ANSWER_MS - 1), pulse.isDead(ANSWER_MS)], [false, true]);
  });

  it('is there when it answers, or says anything else', () => {
    for (const word of ['answered', 'heard'] as const) {
      const pulse = new Pulse(QUIET_MS);
      pulse.ask(0);
      pulse[word](10);
      assert.deepEqual([pulse.isAsking, pulse.isDead(ANSWER_MS)], [false, false]);
      assert.equal(pulse.dueAtMs, 10 + (word === 'heard' ? QUIET_MS : REPEAT_MS));
    }
  });
});
