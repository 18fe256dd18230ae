import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { profileName, writeProfile } from '#src/health/saturation/profiles.ts';

const BYTES = Buffer.from('{"nodes":[]}');

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-profiles-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const nameAt = (second: number): string => profileName(`2026-11-21T18:20:${10 + second}.345Z`, 'worker-0', 'cpu');

suite('a profile', () => {
  test('is written for the owner alone, into a directory that is made for it', async (t) => {
    const directory = join(folderOf(t), 'a', 'profiles');
    const path = await writeProfile({ directory, keep: 2, bytesMax: 1000 }, nameAt(0), BYTES);
    assert.equal(path, join(directory, '2026-11-21T18-20-10.345Z-worker-0.cpuprofile'));
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.equal(statSync(directory).mode & 0o777, 0o700);
  });

  test('makes room for itself: the oldest go, by count and by bytes', async (t) => {
    const directory = folderOf(t);
    for (let n = 0; n < 5; n++) await writeProfile({ directory, keep: 3, bytesMax: 1000 }, nameAt(n), BYTES);
    assert.deepEqual(readdirSync(directory), [2, 3, 4].map(nameAt));
    await writeProfile({ directory, keep: 9, bytesMax: 2 * BYTES.length }, nameAt(5), BYTES);
    assert.deepEqual(readdirSync(directory), [4, 5].map(nameAt));
  });

  test('leaves what is none alone', async (t) => {
    const directory = folderOf(t);
    const others = ['sluice.db', 'mine.cpuprofile', '2026-11-21T18-20-10.345Z-worker-0.cpuprofile.bak'];
    for (const name of others) writeFileSync(join(directory, name), 'x'.repeat(5000));
    mkdirSync(join(directory, 'folder'));
    for (let n = 0; n < 3; n++) await writeProfile({ directory, keep: 1, bytesMax: 1000 }, nameAt(n), BYTES);
    assert.deepEqual(readdirSync(directory).sort(), [...others, 'folder', nameAt(2)].sort());
  });

  test('that is larger than all may be is refused before anything is removed', async (t) => {
    const directory = folderOf(t);
    await writeProfile({ directory, keep: 3, bytesMax: 100 }, nameAt(0), BYTES);
    await assert.rejects(
      writeProfile({ directory, keep: 3, bytesMax: 5 }, nameAt(1), BYTES),
      /more than the 5 allowed/,
    );
    assert.deepEqual(readdirSync(directory), [nameAt(0)]);
  });
});

suite('nothing is written elsewhere', () => {
  test('through a directory that is a link, however it is spelled', async (t) => {
    const folder = folderOf(t);
    const [real, link] = [join(folder, 'real'), join(folder, 'link')];
    mkdirSync(real);
    symlinkSync(real, link);
    for (const directory of [link, `${link}/`, `${link}/.`]) {
      await assert.rejects(writeProfile({ directory, keep: 3, bytesMax: 100 }, nameAt(0), BYTES), /is a link/);
    }
    assert.deepEqual(readdirSync(real), []);
  });

  test('through a file that is a link', async (t) => {
    const folder = folderOf(t);
    const target = join(folder, 'target');
    writeFileSync(target, 'mine');
    const directory = join(folder, 'profiles');
    mkdirSync(directory);
    symlinkSync(target, join(directory, nameAt(0)));
    await assert.rejects(writeProfile({ directory, keep: 3, bytesMax: 100 }, nameAt(0), BYTES), /EEXIST|ELOOP/);
    assert.equal(statSync(target).size, 4);
  });

  test('when the place of the directory is a file', async (t) => {
    const directory = join(folderOf(t), 'file');
    writeFileSync(directory, '');
    await assert.rejects(writeProfile({ directory, keep: 3, bytesMax: 100 }, nameAt(0), BYTES), /EEXIST|ENOTDIR/);
  });

  test('by a name that leads away', async (t) => {
    const directory = folderOf(t);
    for (const name of ['../x.cpuprofile', `../${nameAt(0)}`, `${nameAt(0)}/..`, `a/${nameAt(0)}`, `${nameAt(0)}\n`]) {
      await assert.rejects(writeProfile({ directory, keep: 3, bytesMax: 100 }, name, BYTES), /is no name/);
    }
    assert.throws(() => profileName('2026-11-21T18:20:10.345Z', '../worker-0', 'cpu'), /is no name/);
  });
});
