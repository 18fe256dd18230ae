import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { memoryGroup } from './memory-group.ts';

const MIB = 2 ** 20;

/** Writes to so many MiB. */
function taking(mib: number): string[] {
  return [process.execPath, '-e', `Buffer.alloc(${mib} * 2 ** 20, 1)`];
}

suite('a memory control group', () => {
  test('lets a process be that keeps to its limit, and has the kernel end one that does not', (t) => {
    const group = memoryGroup(256 * MIB);
    if (group === null) {
      t.skip('no control group can be made here');
      return;
    }
    try {
      const run = (argv: readonly string[]): number | null => {
        const [command, ...rest] = [...group.command, ...argv];
        return spawnSync(command as string, rest).status;
      };
      assert.equal(run(taking(16)), 0);
      assert.equal(group.kills(), 0);
      assert.ok(group.peakBytes() > 16 * MIB && group.peakBytes() < 256 * MIB, String(group.peakBytes()));
      assert.notEqual(run(taking(512)), 0);
      assert.equal(group.kills(), 1);
    } finally {
      group.remove();
    }
    const again = memoryGroup(256 * MIB);
    again?.remove();
    assert.notEqual(again, null, 'nothing is left');
  });
});
