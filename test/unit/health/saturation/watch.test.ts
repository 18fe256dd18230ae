import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Look, SaturationWatch, type ThreadReading } from '#src/health/saturation/watch.ts';

const MIB = 1_048_576;

function worker(number: number, changes: Partial<ThreadReading> = {}): ThreadReading {
  const heap = { heapBytes: 20 * MIB, heapLimitBytes: 100 * MIB };
  return {
    name: `worker-${number}`,
    life: number,
    delayMs: 0,
    ...heap,
    connections: 5,
    connectionsMax: 100,
    requests: 1,
    ...changes,
  };
}

function lookOf(threads: readonly ThreadReading[], changes: Partial<Look['machine']> = {}): Look {
  const memory = { used: 10 * MIB, max: 100 * MIB, from: 'cgroup /g' };
  return { machine: { memory, descriptors: { used: 10, max: 100 }, ...changes }, threads, delayMs: 250 };
}

const memoryOf = (used: number) => ({ memory: { used: used * MIB, max: 100 * MIB, from: 'cgroup /g' } });

suite('a worker', () => {
  test('is graded by itself: others are not under its pressure', () => {
    const watch = new SaturationWatch();
    const late = [worker(0, { delayMs: 300 }), worker(1)];
    for (let n = 0; n < 2; n++) assert.deepEqual(watch.look(lookOf(late)), [], 'not before it has lasted');
    assert.deepEqual(watch.look(lookOf(late)), [
      {
        scope: 'worker-0',
        before: 'normal',
        after: 'lean',
        because: 'its event loop is 300 ms late',
        signal: 'eventLoop',
        refusedRatio: 0,
      },
    ]);
    const [change] = watch.look(lookOf(late));
    assert.deepEqual([change?.after, change?.refusedRatio], ['shedding', 0.2]);
    assert.deepEqual(watch.pressureOf('worker-0'), { grade: 2, refusedRatio: 0.2 });
    assert.deepEqual(watch.pressureOf('worker-1'), { grade: 0, refusedRatio: 0 });
    assert.deepEqual(
      [watch.gradeOf('worker-0'), watch.gradeOf('worker-1'), watch.process],
      ['shedding', 'normal', 'normal'],
    );
    assert.deepEqual(watch.worst, { grade: 'shedding', because: 'worker-0: its event loop is 300 ms late' });
    assert.equal(watch.changes, 2);
  });

  test('that pauses once, however long, is not late', () => {
    const watch = new SaturationWatch();
    for (let n = 0; n < 20; n++) {
      assert.deepEqual(
        watch.look(lookOf([worker(0, { delayMs: n === 5 ? 9000 : 3, heapBytes: n === 9 ? 99 * MIB : 0 })])),
        [],
      );
    }
  });

  test('that took the place of another begins anew', () => {
    const watch = new SaturationWatch();
    for (let n = 0; n < 9; n++) watch.look(lookOf([worker(0, { delayMs: 3000 })]));
    assert.equal(watch.gradeOf('worker-0'), 'refusing');
    watch.look(lookOf([worker(0, { life: 7 })]));
    assert.equal(watch.gradeOf('worker-0'), 'normal');
    watch.look(lookOf([]));
    assert.equal(watch.gradeOf('worker-0'), 'normal', 'nor is one that is gone remembered');
  });

  test('is short of places for connections and requests', () => {
    const watch = new SaturationWatch();
    assert.match(
      watch.look(lookOf([worker(0, { connections: 81 })]))[0]?.because ?? '',
      /^81 of 100 client connections, 81 %$/,
    );
    assert.match(
      watch.look(lookOf([worker(0, { requests: 91 })]))[0]?.because ?? '',
      /^91 of 100 requests under way, 91 %$/,
    );
  });

  test('the main thread has neither', () => {
    const main = { ...worker(0), name: 'main', connections: 0, requests: 0, connectionsMax: null };
    assert.deepEqual(new SaturationWatch().look(lookOf([main])), []);
  });
});

suite('what all threads share', () => {
  test('puts every worker under pressure', () => {
    const watch = new SaturationWatch();
    const threads = [worker(0), worker(1)];
    const descriptors = { used: 97, max: 100 };
    const scopes = [0, 1, 2].flatMap(() => watch.look(lookOf(threads, { descriptors })));
    assert.deepEqual(
      scopes.map(({ scope, after }) => [scope, after]),
      [
        ['process', 'lean'],
        ['process', 'shedding'],
        ['process', 'refusing'],
      ],
    );
    assert.equal(scopes[0]?.because, '97 of 100 descriptors, 97 %');
    for (const { name } of threads) assert.equal(watch.pressureOf(name).grade, 3);
    assert.equal(watch.worst.because, 'process: 97 of 100 descriptors, 97 %');
  });

  test('memory that grows is shed for; once it stands still that is let go of', () => {
    const watch = new SaturationWatch();
    for (let used = 50; used <= 92; used++) watch.look(lookOf([worker(0)], memoryOf(used)));
    assert.equal(watch.process, 'shedding');
    assert.ok(watch.pressureOf('worker-0').refusedRatio > 0);
    for (let n = 0; n < 400; n++) watch.look(lookOf([worker(0)], memoryOf(92)));
    assert.equal(watch.process, 'lean');
    assert.equal(watch.pressureOf('worker-0').refusedRatio, 0);
    assert.equal(watch.worst.because, 'process: memory 92 of 100 MiB, 92 % (cgroup /g)');
  });

  test('what the system does not tell is not missed', () => {
    assert.deepEqual(new SaturationWatch().look(lookOf([worker(0)], { descriptors: null })), []);
  });

  test('nothing is said while all is normal', () => {
    const watch = new SaturationWatch();
    watch.look(lookOf([worker(0)]));
    assert.deepEqual(watch.worst, { grade: 'normal', because: '' });
  });
});
