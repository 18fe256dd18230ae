import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  busyRatio,
  parseCoreStat,
  parseProcessStat,
  processTicks,
  ticksPerSecond,
} from '../../../../bench/macro/cpu.ts';

const STAT = '4711 (node (a) b) S 4700 4711 4700 0 -1 4194304 100 200 0 0 350 150 7 8 20 0 11 0 999 1000 200';

describe('parseProcessStat', () => {
  test('adds user and system time, not those of children that ended', () => {
    assert.deepEqual(parseProcessStat(STAT), { parent: 4700, ticks: 500 });
  });

  test('refuses what is not a stat', () => {
    assert.throws(() => parseProcessStat('cpu 1 2 3'), /not a process's stat/);
  });
});

describe('core accounting', () => {
  const before = 'cpu  1 1 1 1\ncpu0 100 0 50 800 50 0 0 0 0 0\ncpu1 0 0 0 10 0 0 0 0 0 0\n';
  const after = 'cpu  1 1 1 1\ncpu0 150 0 75 820 55 0 0 0 0 0\ncpu1 0 0 0 10 0 0 0 0 0 0\n';

  test('counts idle and iowait as not busy', () => {
    assert.deepEqual(parseCoreStat(before, 0), { busy: 150, all: 1000 });
    assert.equal(busyRatio(before, after, 0), 0.75);
  });

  test('gives 0 when no tick passed', () => {
    assert.equal(busyRatio(before, after, 1), 0);
  });

  test('refuses a core that is not there', () => {
    assert.throws(() => parseCoreStat(before, 7), /no cpu7/);
  });
});

describe('the kernel', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  test('accounts for work that this process does', () => {
    const hertz = ticksPerSecond();
    assert.ok(hertz > 0);
    const before = processTicks(process.pid);
    const own = process.cpuUsage();
    let sum = 0;
    const isBusyEnough = (): boolean => {
      const { user, system } = process.cpuUsage(own);
      return user + system > 100_000;
    };
    for (let turn = 0; turn < 1e6 && !isBusyEnough(); turn++) for (let n = 0; n < 1e4; n++) sum += n;
    assert.ok(sum > 0);
    const seconds = (processTicks(process.pid) - before) / hertz;
    assert.ok(seconds > 0.05 && seconds < 1, `${seconds} s for 0.1 s of work`);
  });

  test('has nothing to say about a process that is gone', () => {
    assert.throws(() => processTicks(2 ** 30), { code: 'ENOENT' });
  });
});
