/** Who is behind a breach: phases that became slow are named, innocents are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { REASON } from '#src/model/reason.ts';
import {
  attribute,
  culpritOf,
  type Member,
  PHASES,
  type Phase,
  type PhaseTimes,
  phaseOfReason,
  slowestPhase,
} from '#src/slo/budget/attribution.ts';

const SEED = 20_261_121;
const USUAL: PhaseTimes = { queue: 0.1, connect: 1, tls: 2, 'first-byte': 40, body: 10 };
const THRESHOLD_MS = 120;

function member(name: string, finished: number, bad: number, calm: readonly [number, number] = [10_000, 5]): Member {
  return { name, finished, bad, calmFinished: calm[0], calmBad: calm[1] };
}

/** Times of a request whose phases vary by up to half, one of them slower by `moreMs`. */
function timesOf(random: Random, slow: Phase | null, moreMs: number): PhaseTimes {
  const times = PHASES.map((phase) => {
    const varied = USUAL[phase] * (0.5 + random.nextUint32() / 2 ** 32);
    return [phase, varied + (phase === slow ? moreMs : 0)] as const;
  });
  return Object.fromEntries(times) as unknown as PhaseTimes;
}

/** Counts, by phase, the requests above the threshold whose phase it was. */
function slowByPhase(slow: Phase | null, requests: number): { finished: number; bad: Map<Phase, number> } {
  const random = new Random(SEED);
  const bad = new Map<Phase, number>();
  for (let n = 0; n < requests; n++) {
    // One request in ten meets the injected delay.
    const times = timesOf(random, n % 10 === 0 ? slow : null, 150);
    let tookMs = 0;
    for (const phase of PHASES) tookMs += times[phase];
    const phase = tookMs > THRESHOLD_MS ? slowestPhase(times, USUAL) : null;
    if (phase !== null) bad.set(phase, (bad.get(phase) ?? 0) + 1);
  }
  return { finished: requests, bad };
}

describe(`a phase that became slow (seed ${SEED})`, () => {
  for (const slow of PHASES) {
    it(`is named: ${slow}`, () => {
      const { finished, bad } = slowByPhase(slow, 2000);
      const phases = PHASES.map((phase) => member(phase, finished, bad.get(phase) ?? 0, [20_000, 2]));
      const culprit = culpritOf('phase', phases);
      assert.equal(culprit?.name, slow);
      assert.match(culprit?.sentence ?? '', /^phase .*: [\d.]+ % of the additional failures, 200 of 2000$/);
    });
  }

  it('is nobody’s when nothing is slow', () => {
    const { finished, bad } = slowByPhase(null, 2000);
    const phases = PHASES.map((phase) => member(phase, finished, bad.get(phase) ?? 0));
    assert.equal(culpritOf('phase', phases), null);
  });

  it('is the one with most above the usual, not the longest', () => {
    assert.equal(slowestPhase({ ...USUAL, connect: 31, 'first-byte': 60 }, USUAL), 'connect');
    assert.equal(slowestPhase(USUAL, USUAL), null);
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
