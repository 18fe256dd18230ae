/** What workers share: who finds limits, what the dead leave, what is counted as lost. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type PoolSetup, RING_RECORDS } from '#src/model/threads/load/pool.ts';
import { GRADE, PRESSURE } from '#src/model/threads/load/saturation.ts';
import { Pool, Seat } from '#src/proxy/decide/admission/pool.ts';
import { TOLD } from '#src/proxy/decide/admission/ring.ts';
import { Commons } from '#src/proxy/threads/commons.ts';

type State = 'starting' | 'serving' | 'draining' | 'gone';

function livesOf(...states: State[]): { id: number; state: State }[] {
  return states.map((state, id) => ({ id, state }));
}

function poolsOf(commons: Commons, count: number): Pool[] {
  return Array.from({ length: count }, (_, id) => new Pool(commons.of(id).pool as PoolSetup));
}

function leaderOf(pools: readonly Pool[]): number {
  return pools.findIndex(({ leads }) => leads);
}

describe('who finds the limits', () => {
  it('is the first worker, and once it is gone the lowest that serves, until that is gone', () => {
    const commons = new Commons(3);
    const pools = poolsOf(commons, 3);
    assert.equal(leaderOf(pools), 0, 'before any serves');
    const course: [State[], number][] = [
      [['serving', 'starting', 'starting'], 0],
      [['serving', 'serving', 'serving'], 0],
      [['gone', 'serving', 'serving'], 1],
      [['serving', 'serving', 'serving'], 1],
      [['serving', 'draining', 'serving'], 1],
      [['serving', 'gone', 'serving'], 0],
      // Nobody serves: the next one that does.
      [['gone', 'gone', 'gone'], 0],
      [['starting', 'starting', 'serving'], 2],
    ];
    const holed: { id: number; state: State }[] = [];
    holed[1] = { id: 1, state: 'serving' };
    for (const [states, leader] of course) {
      commons.lead(livesOf(...states));
      assert.equal(leaderOf(pools), leader, states.join(' '));
    }
    commons.lead(holed);
    assert.equal(leaderOf(pools), 1, 'before another place has begun');
  });

  it('is nobody’s business where there is one worker', () => {
    const commons = new Commons(1);
    assert.equal(commons.of(0).pool, null);
    commons.lead(livesOf('gone'));
    commons.vacate(0);
    commons.forget(5);
    assert.equal(commons.samplesLost(), 0);
  });
});

it('a worker that is gone leaves no place taken, and a cell that is forgotten none at all', () => {
  const commons = new Commons(2);
  const [first, second] = poolsOf(commons, 2).map((pool) => new Seat(pool, 5)) as [Seat, Seat];
  first.take(3);
  second.take(2);
  commons.vacate(1);
  assert.deepEqual([first.inFlight, second.inFlight], [3, 3]);
  commons.forget(5);
  assert.equal(first.inFlight, 0);
});

it('what the leader was told and had no room for is counted', () => {
  const commons = new Commons(2);
  const [, second] = poolsOf(commons, 2).map((pool) => new Seat(pool, 5)) as [Seat, Seat];
  for (let n = 0; n < RING_RECORDS + 2; n++) second.tell(TOLD.ended, 1);
  assert.equal(commons.samplesLost(), 2);
});

it('every worker has a pressure of its own', () => {
  const commons = new Commons(2);
  commons.press(1, GRADE.shedding, 0.25);
  const words = [0, 1].map((id) => new Int32Array(commons.of(id).pressure));
  assert.deepEqual(
    words.map((word) => [word[PRESSURE.grade], word[PRESSURE.refusedPerMille], word[PRESSURE.looks]]),
    [
      [0, 0, 0],
      [GRADE.shedding, 250, 1],
    ],
  );
});
