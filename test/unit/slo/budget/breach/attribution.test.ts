/** Who is behind a breach: phases that became slow are named, innocents are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { REASON } from '#src/model/reason.ts';
import {
  attribute,
  culpritOf,
  delayOf,
  type Member,
  PHASES,
  phaseOfReason,
  type Timed,
} from '#src/slo/budget/breach/attribution.ts';

const SEED = 20_261_121;
function member(name: string, finished: number, bad: number, calm: readonly [number, number] = [10_000, 5]): Member {
  return { name, finished, bad, calmFinished: calm[0], calmBad: calm[1] };
}

describe('a phase that became slow', () => {
  const timed = (name: string, count: number, sumMs: number, calm: readonly [number, number] = [100, 100]): Timed => ({
    name,
    count,
    sumMs,
    calmCount: calm[0],
    calmSumMs: calm[1],
  });

  for (const slow of PHASES) {
    it(`is named by its share of the added time: ${slow}`, () => {
      const random = new Random(SEED);
      const members = PHASES.map((name) => {
        const noiseMs = random.nextUint32() % 10;
        return timed(name, 1000, 1000 + noiseMs + (name === slow ? 5000 : 0));
      });
      const delay = delayOf(members);
      assert.equal(delay?.name, slow);
      assert.ok((delay?.shareRatio ?? 0) > 0.98 && (delay?.addedMs ?? 0) >= 5000);
    });
  }

  it('is compared per attempt, so that more requests alone add nothing', () => {
    assert.equal(delayOf([timed('a', 1000, 1000, [10, 10]), timed('b', 500, 400, [10, 10])]), null);
    assert.equal(delayOf([timed('a', 1000, 1000, [10, 10]), timed('b', 500, 1000, [10, 10])])?.name, 'b');
  });

  it('has all of its time added where nothing was calm before', () => {
    assert.deepEqual(delayOf([timed('a', 10, 30, [0, 0]), timed('b', 10, 10, [0, 0])]), {
      name: 'a',
      addedMs: 30,
      shareRatio: 0.75,
    });
    assert.equal(delayOf([]), null);
  });
});

describe('attribution', () => {
  it('names the sick endpoint, its version and nothing else', () => {
    const culprits = attribute({
      endpoint: [member('a:1', 500, 1), member('a:2', 500, 60), member('b:1', 500, 0)],
      version: [member('v1', 500, 1), member('v2', 1000, 60)],
      dependency: [member('stock', 700, 30), member('prices', 800, 31)],
    });
    assert.deepEqual(
      culprits.map(({ dimension, name }) => `${dimension} ${name}`),
      ['endpoint a:2', 'version v2'],
    );
  });

  it('names nobody when all members fail alike', () => {
    assert.equal(culpritOf('endpoint', [member('a', 500, 100), member('b', 500, 110)]), null);
  });

  it('names nobody who has no sibling in use', () => {
    assert.equal(culpritOf('version', [member('v1', 500, 400)]), null);
    assert.equal(culpritOf('version', [member('v1', 500, 400), member('v2', 0, 0)]), null);
  });

  it('names nobody for what he always did', () => {
    const usual = member('old', 1000, 100, [10_000, 1000]);
    assert.equal(culpritOf('endpoint', [usual, member('new', 1000, 1)]), null);
  });

  it('names nobody for a failure or two', () => {
    assert.equal(culpritOf('endpoint', [member('a', 500, 2, [0, 0]), member('b', 500, 0)]), null);
  });

  it('names nobody when nothing happened', () => {
    assert.deepEqual(attribute({ endpoint: [], version: [member('v1', 0, 0)] }), []);
  });
});

describe('the phase of a failure', () => {
  it('is that in which its reason lies', () => {
    assert.equal(phaseOfReason(REASON.noEndpoint), 'queue');
    assert.equal(phaseOfReason(REASON.connectTimeout), 'connect');
    assert.equal(phaseOfReason(REASON.dnsFailed), 'connect');
    assert.equal(phaseOfReason(REASON.tlsFailed), 'tls');
    assert.equal(phaseOfReason(REASON.responseTimeout), 'first-byte');
    assert.equal(phaseOfReason(REASON.upstreamTruncated), 'body');
    assert.equal(phaseOfReason(REASON.none), null);
    assert.equal(phaseOfReason(REASON.badRequest), null);
  });
});
