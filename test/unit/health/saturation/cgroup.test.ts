import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { Cgroup } from '#src/health/saturation/cgroup.ts';

const MIB = 1_048_576;
const V2 = '30 24 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate';
const V1 = '35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory';

/** A file system with these files, removed after the test. */
function rootOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'sluice-cgroup-'));
  t.after(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) put(root, path, text);
  return root;
}

function put(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** A process of version 2 in `group`. */
const own = (group: string, mount = V2) => ({
  '/proc/self/cgroup': `0::${group}\n`,
  '/proc/self/mountinfo': `22 1 0:20 / / rw - ext4 /dev/vda rw\n${mount}\n`,
});

suite('memory of version 2', () => {
  test('is what is used beyond inactive files, of the limit', (t) => {
    const root = rootOf(t, {
      ...own('/app'),
      '/sys/fs/cgroup/app/memory.max': `${256 * MIB}\n`,
      '/sys/fs/cgroup/app/memory.high': 'max\n',
      '/sys/fs/cgroup/app/memory.current': `${200 * MIB}\n`,
      '/sys/fs/cgroup/app/memory.stat': `anon 1\ninactive_file ${72 * MIB}\nactive_file 3\n`,
    });
    const { used, max, group } = new Cgroup(root).memory() ?? assert.fail('no limit');
    assert.deepEqual({ used, max, group }, { used: 128 * MIB, max: 256 * MIB, group: '/sys/fs/cgroup/app' });
  });

  test('is limited by memory.high where that is lower', (t) => {
    const root = rootOf(t, {
      ...own('/app'),
      '/sys/fs/cgroup/app/memory.max': `${256 * MIB}\n`,
      '/sys/fs/cgroup/app/memory.high': `${192 * MIB}\n`,
      '/sys/fs/cgroup/app/memory.current': `${96 * MIB}\n`,
    });
    assert.equal(new Cgroup(root).memory()?.max, 192 * MIB);
  });

  test('is that of the group above where less is left there', (t) => {
    const root = rootOf(t, {
      ...own('/pod/app'),
      '/sys/fs/cgroup/pod/memory.max': `${512 * MIB}\n`,
      '/sys/fs/cgroup/pod/memory.current': `${500 * MIB}\n`,
      '/sys/fs/cgroup/pod/app/memory.max': `${256 * MIB}\n`,
      '/sys/fs/cgroup/pod/app/memory.current': `${100 * MIB}\n`,
    });
    assert.equal(new Cgroup(root).memory()?.group, '/sys/fs/cgroup/pod');
  });

  test('is found where a container sees its own group as the root of the mount', (t) => {
    const files = { '/sys/fs/cgroup/memory.max': `${64 * MIB}\n`, '/sys/fs/cgroup/memory.current': `${32 * MIB}\n` };
    assert.equal(new Cgroup(rootOf(t, { ...own('/'), ...files })).memory()?.max, 64 * MIB);
    const bound = V2.replace(' / /sys', ' /docker/abc /sys');
    assert.equal(new Cgroup(rootOf(t, { ...own('/docker/abc', bound), ...files })).memory()?.max, 64 * MIB);
    assert.equal(new Cgroup(rootOf(t, { ...own('/elsewhere', bound), ...files })).memory()?.max, 64 * MIB);
  });

  test('follows a limit that is moved, and finds a new one when asked to', (t) => {
    const root = rootOf(t, {
      ...own('/app'),
      '/sys/fs/cgroup/app/memory.max': 'max\n',
      '/sys/fs/cgroup/app/memory.current': `${32 * MIB}\n`,
    });
    const cgroup = new Cgroup(root);
    assert.equal(cgroup.memory(), null);
    put(root, '/sys/fs/cgroup/app/memory.max', `${64 * MIB}\n`);
    cgroup.find();
    assert.equal(cgroup.memory()?.max, 64 * MIB);
    put(root, '/sys/fs/cgroup/app/memory.max', `${128 * MIB}\n`);
    assert.equal(cgroup.memory()?.max, 128 * MIB);
    put(root, '/sys/fs/cgroup/app/memory.max', 'max\n');
    assert.equal(cgroup.memory(), null);
  });
});

test('memory of version 1 is read where there is no other', (t) => {
  const root = rootOf(t, {
    '/proc/self/cgroup': '9:name=systemd:/\n4:memory:/app\n1:cpu:/\n0::/\n',
    '/proc/self/mountinfo': `${V1}\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n`,
    '/sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    '/sys/fs/cgroup/memory/app/memory.limit_in_bytes': `${128 * MIB}\n`,
    '/sys/fs/cgroup/memory/app/memory.usage_in_bytes': `${100 * MIB}\n`,
    '/sys/fs/cgroup/memory/app/memory.stat': `inactive_file 1\ntotal_inactive_file ${36 * MIB}\n`,
  });
  assert.deepEqual(new Cgroup(root).memory(), { used: 64 * MIB, max: 128 * MIB, group: '/sys/fs/cgroup/memory/app' });
});

test('processors are the least that a group on the way allows', (t) => {
  const files = { '/sys/fs/cgroup/cpu.max': '150000 100000\n', '/sys/fs/cgroup/app/cpu.max': 'max 100000\n' };
  assert.equal(new Cgroup(rootOf(t, { ...own('/app'), ...files })).cpus(), 1.5);
  assert.equal(new Cgroup(rootOf(t, own('/app'))).cpus(), null);
});

test('a machine without control groups, or with files that say nothing, has no limit', (t) => {
  assert.equal(new Cgroup(rootOf(t, {})).memory(), null);
  const strange = { '/proc/self/cgroup': 'what\n\n', '/proc/self/mountinfo': 'ever\n1 2 3\n' };
  assert.equal(new Cgroup(rootOf(t, strange)).memory(), null);
  const zero = { ...own('/app'), '/sys/fs/cgroup/app/memory.max': '0\n', '/sys/fs/cgroup/app/memory.current': '1\n' };
  assert.equal(new Cgroup(rootOf(t, zero)).memory(), null, 'a limit of nothing would be used up by anything');
});
