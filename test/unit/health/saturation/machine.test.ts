import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { Descriptors, Machine, type MachineSource, ownBytes } from '#src/health/saturation/machine.ts';

const GROUP = { used: 90, max: 100, group: '/g' };

function machineOf(changes: Partial<MachineSource> = {}) {
  const finds = { group: 0, limit: 0, memory: 0 };
  const cgroup = { find: () => void finds.group++, memory: () => null, cpus: () => 2 };
  const descriptors = { find: () => void finds.limit++, read: () => null };
  const totalBytes = (): number => {
    finds.memory++;
    return 1000;
  };
  const source = { ownBytes: () => 50, totalBytes, descriptors, cgroup, ...changes };
  return { machine: new Machine(source), finds };
}

const within = (memory: typeof GROUP | null) => ({
  cgroup: { find: () => undefined, memory: () => memory, cpus: () => null },
});

suite('the limit of memory', () => {
  test("is the control group's, else the machine's", () => {
    assert.deepEqual(machineOf(within(GROUP)).machine.read(0, null).memory, { used: 90, max: 100, from: 'cgroup /g' });
    assert.deepEqual(machineOf().machine.read(0, null).memory, { used: 50, max: 1000, from: "the machine's memory" });
  });

  test('is what the configuration says, unless the control group has less left', () => {
    const roomy = { ...GROUP, max: 1000 };
    assert.deepEqual(machineOf(within(roomy)).machine.read(0, 200).memory, {
      used: 50,
      max: 200,
      from: 'saturation.memory',
    });
    assert.equal(machineOf(within(GROUP)).machine.read(0, 200).memory.from, 'cgroup /g');
  });
});

test('memory has no pages of files, the program among them', { skip: process.platform !== 'linux' }, () => {
  const bytes = ownBytes() ?? assert.fail('no descriptor');
  const resident = 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  // The code of the runtime alone is tens of megabytes; what it writes to is more than ten.
  assert.ok(bytes < resident - 20 * 2 ** 20 && bytes > 10 * 2 ** 20, `${bytes} of ${resident}`);
});

test('memory is what it was last known to be when there is no descriptor to read it with', () => {
  const answers = [50, null, 70];
  const { machine } = machineOf({ ownBytes: () => answers.shift() as number | null });
  assert.deepEqual(
    [0, 200, 400].map((atMs) => machine.read(atMs, null).memory.used),
    [50, 50, 70],
  );
});

test('limits are looked for every ten seconds', () => {
  const { machine, finds } = machineOf();
  assert.equal(machine.cpus, null);
  for (const atMs of [0, 200, 9999, 10_000, 10_200]) machine.read(atMs, null);
  assert.deepEqual(finds, { group: 2, limit: 2, memory: 2 });
  assert.equal(machine.cpus, 2);
});

test('descriptors of this process are counted against its soft limit', { skip: process.platform !== 'linux' }, () => {
  const { used, max } = new Descriptors().read() ?? assert.fail('no /proc');
  assert.ok(used > 2 && used < max, `${used} of ${max}`);
});
