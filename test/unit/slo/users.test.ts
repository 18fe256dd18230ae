/** Reading user-seconds: each user once a second, at its first appearance; who failed rests. */

import assert from 'node:assert/strict';
import { describe, it, test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { CELL, UNIT_BITS, UNIT_NEWS_WORDS, UNIT_SECONDS } from '#src/model/tallies.ts';
import type { Region } from '#src/slo/regions.ts';
import { READ_GAP_MS_MAX, USER_REST_SECONDS, UserWindow } from '#src/slo/users.ts';
import { bytesPerCall, COUNTED } from '../../support/proxy/allocation.ts';
import { FakeWorker } from '../../support/simulate/worker.ts';

const UNIT = 2;
const NOW = 20_000;
const SEED = 40_417;
const CELL_OF_USERS = 3;

function setup(workers = 1): { workers: FakeWorker[]; regions: Region[]; window: UserWindow } {
  const all = Array.from({ length: workers }, (_, id) => new FakeWorker(id));
  const regions = all.map(({ region }) => region);
  return { workers: all, regions, window: new UserWindow([{ unit: UNIT, cell: -1 }], regions) };
}

function read(window: UserWindow, regions: readonly Region[]): readonly [users: number, bad: number] {
  const out = { finished: -1, bad: -1 };
  window.read(regions, out);
  return [out.finished, out.bad];
}

function mark(worker: FakeWorker | undefined, users: readonly number[], nowMs: number, isBad = false): void {
  for (const user of users) worker?.mark({ unit: UNIT, user, isBad, nowMs });
}

describe('user-seconds', () => {
  it('count every user once a second, however often it comes', () => {
    const { workers, regions, window } = setup();
    mark(workers[0], [1, 2, 2, 31, 32, 33, UNIT_BITS - 1], NOW);
    assert.deepEqual(read(window, regions), [6, 0]);
    mark(workers[0], [1, 2], NOW + 500);
    assert.deepEqual(read(window, regions), [0, 0]);
    mark(workers[0], [1, 2], NOW + 1000);
    assert.deepEqual(read(window, regions), [2, 0]);
  });

  it('are bad when the user failed by the end of the tick of its first appearance', () => {
    const { workers, regions, window } = setup();
    mark(workers[0], [1, 2, 3], NOW);
    mark(workers[0], [3], NOW + 20, true);
    mark(workers[0], [4], NOW + 40, true);
    assert.deepEqual(read(window, regions), [4, 2]);
  });

  it('do not become bad later in the second', () => {
    const { workers, regions, window } = setup();
    mark(workers[0], [1], NOW);
    read(window, regions);
    mark(workers[0], [1], NOW + 300, true);
    assert.deepEqual(read(window, regions), [0, 0]);
    mark(workers[0], [1], NOW + 1000, true);
    assert.deepEqual(read(window, regions), [1, 1]);
  });

  it('are merged over workers before they are counted', () => {
    const { workers, regions, window } = setup(3);
    mark(workers[0], [1, 2], NOW);
    mark(workers[1], [2, 3], NOW);
    mark(workers[2], [1], NOW, true);
    assert.deepEqual(read(window, regions), [3, 1]);
    mark(workers[1], [1, 4], NOW + 100);
    assert.deepEqual(read(window, regions), [1, 0]);
  });

  it('are merged over any number of workers, wherever in the bitmap the users are', (t) => {
    t.diagnostic(`seed ${SEED}`);
    const random = new Random(SEED);
    for (let count = 1; count <= 10; count++) {
      const { workers, regions, window } = setup(count);
      for (let tick = 0; tick < 9; tick++) {
        const seen = new Set<number>();
        const bad = new Set<number>();
        for (let n = 0; n < 400; n++) {
          // Each tick has users of its own, two of each word.
          const user = 32 * (random.nextUint32() & 1023) + 3 * tick + (random.nextUint32() & 1);
          const isBad = n % 7 === 0;
          mark(workers[random.nextUint32() % count], [user], NOW + 100 * tick, isBad);
          seen.add(user);
          if (isBad) bad.add(user);
        }
        assert.deepEqual(read(window, regions), [seen.size, bad.size], `${count} workers, tick ${tick}`);
      }
    }
  });

  it('are found also where more came since the last reading than a worker keeps as news', () => {
    for (const counts of [[UNIT_NEWS_WORDS], [UNIT_NEWS_WORDS + 1], [700, 700, 700], [10, 5000, 10]]) {
      const { workers, regions, window } = setup(2);
      let user = 0;
      for (const count of counts) {
        const users = Array.from({ length: count }, () => user++);
        mark(workers[0], users, NOW);
        mark(workers[1], [users[0] as number], NOW, true);
        assert.deepEqual(read(window, regions), [count, 1], counts.join());
      }
    }
  });

  it('are those of their own unit', () => {
    const { workers, regions, window } = setup();
    workers[0]?.mark({ unit: UNIT + 1, user: 5, isBad: true, nowMs: NOW });
    assert.deepEqual(read(window, regions), [0, 0]);
  });

  it('do not count what was there when the window was opened', () => {
    const { workers, regions } = setup();
    mark(workers[0], [1, 2], NOW);
    const window = new UserWindow([{ unit: UNIT, cell: -1 }], regions);
    mark(workers[0], [1, 3], NOW + 100);
    assert.deepEqual(read(window, regions), [1, 0]);
  });

  it('merge users whose keys fall on the same bit', () => {
    const { workers, regions, window } = setup();
    mark(workers[0], [7, 7 + UNIT_BITS], NOW);
    assert.deepEqual(read(window, regions), [1, 0]);
  });

  it('cost no allocation to read', COUNTED, () => {
    const { workers, regions, window } = setup(2);
    const out = { finished: 0, bad: 0 };
    const user = { unit: UNIT, user: 0, isBad: false, nowMs: NOW };
    const turn = (): void => {
      user.nowMs += 50;
      user.user = (user.user + 1) & 1023;
      user.isBad = (user.user & 3) === 0;
      workers[0]?.mark(user);
      window.read(regions, out);
    };
    const bytes = bytesPerCall(turn, 500);
    assert.ok(bytes < 40, `${bytes} B: the time, a double`);
  });
});

describe('a user that failed', () => {
  it('rests: it is neither seen nor bad again for a while', () => {
    const { workers, regions, window } = setup();
    mark(workers[0], [1], NOW, true);
    assert.deepEqual(read(window, regions), [1, 1]);
    for (let second = 1; second <= USER_REST_SECONDS; second++) {
      mark(workers[0], [1], NOW + 1000 * second, true);
      mark(workers[0], [2], NOW + 1000 * second);
      assert.deepEqual(read(window, regions), [1, 0], `second ${second}`);
    }
    mark(workers[0], [1], NOW + 1000 * (USER_REST_SECONDS + 1), true);
    assert.deepEqual(read(window, regions), [1, 1]);
  });

  it('rests twice as long each time, until a step forgives it', () => {
    const { workers, regions, window } = setup();
    const bad: number[] = [];
    for (let second = 0; second < 200; second++) {
      if (second === 150) window.forgive();
      mark(workers[0], [1], NOW + 1000 * second, true);
      if (read(window, regions)[1] === 1) bad.push(second);
    }
    // 10, 20, 40 and 80 s of rest; the step at 150 lets that one end, and the next is a short one again.
    assert.deepEqual(bad, [0, 11, 32, 73, 154, 165, 186]);
  });
});

test('a user seen after its rest is awake, also where a slower worker tells of the second before only then', () => {
  const { workers, regions, window } = setup(2);
  mark(workers[0], [1], NOW, true);
  assert.deepEqual(read(window, regions), [1, 1]);
  mark(workers[0], [1], NOW + 1000 * (USER_REST_SECONDS + 1));
  assert.deepEqual(read(window, regions), [1, 0]);
  mark(workers[1], [1], NOW + 1000 * USER_REST_SECONDS);
  assert.deepEqual(read(window, regions), [1, 0]);
});

describe('seconds', () => {
  it('that end between two readings are read to their end', () => {
    const { workers, regions, window } = setup(2);
    mark(workers[0], [1], NOW + 950);
    read(window, regions);
    mark(workers[0], [2], NOW + 999, true);
    mark(workers[0], [1, 2, 3], NOW + 1010);
    mark(workers[1], [4], NOW + 990);
    assert.deepEqual(read(window, regions), [4, 1], 'users 2 and 4 of the old second, 1 and 3 of the new; 2 rests');
  });

  it('may be as many at once as the longest gap allows', () => {
    for (const startMs of [NOW, NOW + 1, NOW + 999]) {
      const { workers, regions, window } = setup();
      mark(workers[0], [9], startMs);
      read(window, regions);
      let users = 0;
      for (let second = Math.floor(startMs / 1000) + 1; second * 1000 <= startMs + READ_GAP_MS_MAX; second++) {
        users += 1;
        mark(workers[0], [second], second * 1000);
      }
      assert.deepEqual(read(window, regions), [users, 0], `from ${startMs}`);
    }
  });

  it('that were overwritten unread are lost, and nothing else', () => {
    const { workers, regions, window } = setup();
    for (let second = 0; second < 3 * UNIT_SECONDS; second++) mark(workers[0], [second], NOW + 1000 * second);
    assert.deepEqual(read(window, regions), [UNIT_SECONDS, 0]);
  });

  it('of a worker that has been idle for long are not counted again', () => {
    const { workers, regions, window } = setup(2);
    mark(workers[0], [1], NOW);
    mark(workers[1], [2], NOW);
    assert.deepEqual(read(window, regions), [2, 0]);
    for (let second = 1; second < 9; second++) {
      mark(workers[0], [1], NOW + 1000 * second);
      assert.deepEqual(read(window, regions), [1, 0], `second ${second}`);
    }
  });
});

describe('a worker that is replaced', () => {
  it('is read once more, and its users are not counted twice', () => {
    const [first, second] = [new FakeWorker(1), new FakeWorker(2)];
    const window = new UserWindow([{ unit: UNIT, cell: -1 }], [first.region]);
    mark(first, [1, 2], NOW);
    assert.deepEqual(read(window, [first.region]), [2, 0]);
    mark(first, [3], NOW + 10, true);
    mark(second, [1, 4], NOW + 20);
    assert.deepEqual(read(window, [second.region, first.region]), [2, 1]);
    mark(second, [2, 3, 5], NOW + 30);
    assert.deepEqual(read(window, [second.region]), [1, 0]);
  });
});

describe('a window that knows the cell of its users', () => {
  it('counts what one counts that looks everywhere, also of a worker that marks a user after it was read', () => {
    const random = new Random(SEED);
    const all = [0, 1, 2].map((id) => new FakeWorker(id));
    const regions = all.map(({ region }) => region);
    const [everywhere, knowing] = [
      new UserWindow([{ unit: UNIT, cell: -1 }], regions),
      new UserWindow([{ unit: UNIT, cell: CELL_OF_USERS }], regions),
    ];
    let total = 0;
    for (let tick = 0; tick < 2000; tick++) {
      const nowMs = NOW + 100 * tick;
      const late: (() => void)[] = [];
      for (let n = random.nextUint32() % 3; n > 0; n--) {
        const worker = all[random.nextUint32() % 3] as FakeWorker;
        const [user, isBad] = [random.nextUint32() % 200, random.nextUint32() % 10 === 0];
        worker.add(CELL_OF_USERS, CELL.finished, 1);
        const marks = (): void => mark(worker, [user], nowMs, isBad);
        // Between the two words of an exchange somebody may look.
        if (random.nextUint32() % 4 === 0) late.push(marks);
        else marks();
      }
      const seen = read(everywhere, regions);
      assert.deepEqual(read(knowing, regions), seen, `tick ${tick}, seed ${SEED}`);
      total += seen[0];
      for (const marks of late) marks();
    }
    assert.ok(total > 1000, `${total} user-seconds`);
  });
});
