/**
 * A disk that fails now and then, with EIO or for want of room: the process goes on, tells so, and keeps what it has confirmed.
 *
 * The faults are the system's own: strace has the calls fail. A batch of the state is about fourteen writes, so that one failing write
 * in forty has about one batch in three fail; of the log a third of the writes fail.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openFiles } from '#src/state/files.ts';
import { findBinary, tryTracing } from '../../support/runner/servers.ts';
import { inFolder } from '../../support/state/folder.ts';
import { checkedLog } from '../../support/state/log.ts';
import { type ChildRun, runChild } from '../../support/state/runs.ts';

const STRACE = findBinary('strace');
const SKIP = STRACE === null ? 'strace is not installed' : tryTracing(STRACE) || false;
const LIMIT = { timeout: 590_000, skip: SKIP };
/** Times that the state was given up, and that it was back, in one run. */
const TIMES = 5;

/** strace as it runs a command some calls of which fail. @param faults as of its `-e inject=` @param path only calls about it */
function failing(faults: string, path?: string): string[] {
  const [call = ''] = faults.split(':');
  const about = path === undefined ? [] : ['-P', path];
  return ['--seccomp-bpf', '-f', '-qq', '-o', '/dev/null', '-e', `trace=${call}`, ...about, '-e', `inject=${faults}`];
}

/** Runs until the state was given up and was back some times, and then ends. */
function runOn(directory: string, faults: string): Promise<ChildRun> {
  const counts = new Map<string, number>();
  const isSeen = (event: string): boolean => (counts.get(event) ?? 0) >= TIMES;
  let isEnding = false;
  let ownPid = 0;
  return runChild({
    directory,
    shell: `exec ${STRACE} ${failing(faults).join(' ')} "$@"`,
    onLine: ({ event, pid = ownPid }) => {
      ownPid = pid;
      counts.set(event, (counts.get(event) ?? 0) + 1);
      if (isEnding || !['state_unavailable', 'state_recovered', 'decision_recorded'].every(isSeen)) return;
      isEnding = true;
      // 0 would be everybody of the group, the runner of this test too.
      assert.ok(ownPid > 0, 'no line has said its pid');
      // Not strace, which would hold it back.
      process.kill(ownPid, 'SIGTERM');
    },
  });
}

describe('a disk on which writes fail', LIMIT, () => {
  for (const [name, faults] of [
    ['with EIO', 'pwrite64:error=EIO:when=100+41'],
    ['for want of room', 'pwrite64:error=ENOSPC:when=100+43'],
  ] as const) {
    it(`${name}: the state keeps every decision that was confirmed, and is told to be away while it is`, () =>
      inFolder(async (folder) => {
        const { code, lines } = await runOn(folder, faults);
        assert.equal(code, 0);
        assert.ok(!lines.some(({ event }) => event === 'state_damaged'));
        for (const { because } of lines.filter(({ event }) => event === 'state_unavailable')) {
          assert.match(because ?? '', /disk|full|I\/O|readonly|locked/i);
        }
        const kinds = new Set(lines.filter(({ event }) => event === 'turn').map(({ health }) => health));
        assert.deepEqual([...kinds].sort(), ['durable', 'unavailable'], 'the status says so');

        const { database, lock, aside } = openFiles(folder, () => '');
        const { budgets, decisions } = database.load();
        database.close();
        lock.release();
        assert.equal(aside, null, 'the file opens clean');
        const kept = new Set(decisions.map(({ id }) => id));
        for (const { id } of lines.filter(({ event }) => event === 'decision_recorded')) {
          assert.ok(kept.has(id as number), `decision ${id} was confirmed`);
        }
        assert.deepEqual(budgets.get('a')?.bytes, budgets.get('b')?.bytes, 'budgets of one batch go together');
        checkedLog(folder);
      }));
  }

  it('a log has its lines whole and in order, and those that are missing are counted', () =>
    inFolder(async (folder) => {
      const [file, lines] = [join(folder, 'log'), 500];
      writeFileSync(file, '');
      const script = `
        import { openSync } from 'node:fs';
        import { openSink } from ${JSON.stringify(import.meta.resolve('#src/lib/sink.ts'))};
        const sink = openSink(openSync(${JSON.stringify(file)}, 'a'));
        for (let n = 0; n < ${lines}; n++) {
          sink.write(JSON.stringify({ n }) + '\\n');
          if (n % 5 === 0) await sink.flush(60_000);
        }
        await sink.flush(60_000);
        process.stdout.write(JSON.stringify(sink.losses()));
        process.exitCode = 7;
      `;
      const faults = failing('write:error=ENOSPC:when=2+3', file);
      const node = [process.execPath, '--input-type=module', '-e', script];
      const child = spawn(STRACE as string, [...faults, ...node], { stdio: ['ignore', 'pipe', 'inherit'] });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      const [code] = (await once(child, 'close')) as [number | null];
      assert.equal(code, 7, 'the process ends as it wanted to');
      const losses = JSON.parse(out) as { errors: number; lines: number; lastCode: string };
      assert.ok(losses.errors >= TIMES, `${losses.errors} writes failed`);
      assert.equal(losses.lastCode, 'ENOSPC');
      const written = readFileSync(file, 'utf8').split('\n').slice(0, -1);
      const numbers = written.map((line) => (JSON.parse(line) as { n: number }).n);
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].sort((a, b) => a - b),
      );
      assert.equal(numbers.length + losses.lines, lines);
    }));
});
