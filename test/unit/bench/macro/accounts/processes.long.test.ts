import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  childPids,
  openFilesMax,
  ownTicks,
  parseProcessStat,
  parseResidentKib,
  processTicks,
  residentKib,
  threadTicks,
  ticksPerSecond,
} from '../../../../../bench/macro/accounts/processes.ts';
import { Children } from '../../../../../bench/macro/children.ts';

const STAT = '4711 (node (a) b) S 4700 4711 4700 0 -1 4194304 100 200 0 0 350 150 7 8 20 0 11 0 999 1000 200';
const GONE = 2 ** 30;

describe('parseProcessStat', () => {
  test('tells the process apart from its children that ended', () => {
    assert.deepEqual(parseProcessStat(STAT), { parent: 4700, ticks: 500, endedTicks: 15 });
  });

  test('refuses what is not a stat', () => {
    assert.throws(() => parseProcessStat('cpu 1 2 3'), /not a process's stat/);
  });
});

describe('parseResidentKib', () => {
  test('reads resident memory, which a zombie has none of', () => {
    assert.equal(parseResidentKib('Name:\tnode\nVmPeak:\t  900 kB\nVmRSS:\t  4321 kB\n'), 4321);
    assert.equal(parseResidentKib('Name:\tnode\nState:\tZ (zombie)\n'), 0);
  });
});

/** Uses the processor until it has been used for 0.1 s. */
const WORK = 'const u = () => { const c = process.cpuUsage(); return c.user + c.system; }; while (u() < 150000);';

describe('the kernel', { skip: process.platform === 'linux' ? false : 'no /proc here' }, () => {
  test('accounts for work of this process and of children that ended', () => {
    const hertz = ticksPerSecond();
    assert.ok(hertz > 0);
    const [own, all] = [processTicks(process.pid), ownTicks()];
    spawnSync(process.execPath, ['-e', WORK]);
    const grown = (ownTicks() - all) / hertz;
    assert.ok(grown > 0.1 && grown < 3, `${grown} s for 0.15 s of work`);
    assert.ok(processTicks(process.pid) - own < ownTicks() - all, 'the child is not this process');
  });

  test('knows a process and its children, whose memory counts together', async (t) => {
    const children = new Children();
    t.after(() => children.stopAll());
    const inner = 'process.stdout.write(String(process.pid)); setInterval(() => {}, 1000)';
    const outer = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(inner)}], { stdio: ['ignore', 'inherit', 'inherit'] }); setInterval(() => {}, 1000)`;
    const { pid, process: child } = children.start('outer', [], [process.execPath, '-e', outer]);
    const [said] = (await once(child.stdout ?? child, 'data')) as [Buffer];
    const innerPid = Number(String(said));
    t.after(() => process.kill(innerPid));
    assert.deepEqual(childPids(pid), [innerPid]);
    assert.ok(residentKib(pid) > residentKib(innerPid) * 1.5);
    assert.ok(residentKib(innerPid) > 10_000);
  });

  test('has nothing to say about a process that is gone', () => {
    assert.throws(() => processTicks(GONE), /process \d+ is gone/);
    assert.throws(() => residentKib(GONE), /process \d+ is gone/);
  });

  test('limits open files', () => {
    assert.ok(openFilesMax() >= 256);
  });

  test('tells the threads of a process apart by their names', async () => {
    const { Worker } = await import('node:worker_threads');
    const busy = 'while (process.threadCpuUsage().user < 150_000);';
    const worker = new Worker(`${busy} setTimeout(() => {}, 60_000)`, { eval: true, name: 'bench-thread' });
    while (threadTicks(process.pid, 'bench-thread') === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const own = threadTicks(process.pid, 'bench-thread');
    assert.ok(own > 0 && own <= threadTicks(process.pid, ''));
    assert.equal(threadTicks(process.pid, 'nobody'), 0);
    await worker.terminate();
  });
});
