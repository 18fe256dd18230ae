/** Weights in a directory: compared, locked, renamed; whatever fails leaves the old file. */

import assert from 'node:assert/strict';
import { unlinkSync } from 'node:fs';
import { chmod, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { revisionOfText } from '#src/sources/stores/directory.ts';
import { type Commit, openDirectoryWeights } from '#src/sources/stores/write/directory.ts';
import { countOf, countUp, NOTHING } from '../../../../support/stores/writers.ts';

const never = new AbortController().signal;

async function rig(t: TestContext, commit?: Partial<Commit>) {
  const path = await mkdtemp(join(tmpdir(), 'sluice-weights-'));
  t.after(() => rm(path, { recursive: true, force: true }));
  const whole: Commit = { rename, syncFolder: async () => undefined, ...commit };
  const settings = { kind: 'directory', path } as const;
  const store = commit === undefined ? openDirectoryWeights(settings) : openDirectoryWeights(settings, whole);
  const files = async (): Promise<string[]> => (await readdir(path)).filter((name) => !name.endsWith('.lock'));
  return { path, store, files };
}

describe('weights in a directory', () => {
  test('are made, replaced and compared by a hash of their text', async (t) => {
    const { store, files, path } = await rig(t);
    assert.deepEqual(await store.read('shop', never), NOTHING);
    const first = await store.write('shop', 'one', '0', never);
    assert.deepEqual(first, { kind: 'written', revision: revisionOfText('one') });
    assert.deepEqual(await store.write('shop', 'two', '0', never), {
      kind: 'conflict',
      present: { text: 'one', revision: revisionOfText('one') },
    });
    assert.equal((await store.write('shop', 'two', revisionOfText('one'), never)).kind, 'written');
    assert.deepEqual(await files(), ['shop.weights.json']);
    assert.equal(await readFile(join(path, 'shop.weights.json'), 'utf8'), 'two');
  });

  test('keep the name and the rights of the file that is there', async (t) => {
    const { store, files, path } = await rig(t);
    const file = join(path, 'shop.weights.yaml');
    await writeFile(file, 'weights: {}');
    await chmod(file, 0o600);
    assert.equal((await store.write('shop', 'new', revisionOfText('weights: {}'), never)).kind, 'written');
    assert.deepEqual(await files(), ['shop.weights.yaml']);
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  test('are not written over a link, nor where two files are meant', async (t) => {
    const { store, path } = await rig(t);
    await writeFile(join(path, 'elsewhere'), 'old');
    await symlink('elsewhere', join(path, 'a.weights.yaml'));
    const linked = await store.write('a', 'new', revisionOfText('old'), never);
    assert.match(linked.kind === 'refused' ? linked.because : '', /a\.weights\.yaml is a link: change the file/);
    await writeFile(join(path, 'b.weights.yaml'), '1');
    await writeFile(join(path, 'b.weights.json'), '1');
    const twice = await store.write('b', 'new', revisionOfText('1'), never);
    assert.match(twice.kind === 'refused' ? twice.because : '', /b\.weights\.json and b\.weights\.yaml are both/);
    await assert.rejects(store.read('b', never), /delete one/);
    assert.equal(await readFile(join(path, 'elsewhere'), 'utf8'), 'old');
  });

  test('that cannot be renamed leave the old ones, and no file of the attempt', async (t) => {
    const { store, files, path } = await rig(t, { rename: () => Promise.reject(new Error('ENOSPC')) });
    await writeFile(join(path, 'shop.weights.json'), 'old');
    const result = await store.write('shop', 'new', revisionOfText('old'), never);
    assert.deepEqual(result, { kind: 'refused', because: `the directory ${path}: ENOSPC` });
    assert.deepEqual(await files(), ['shop.weights.json']);
    assert.equal((await store.read('shop', never)).text, 'old');
  });

  test('whose folder cannot be synced are not said to be written', async (t) => {
    const { store } = await rig(t, { syncFolder: () => Promise.reject(new Error('EIO')) });
    const result = await store.write('shop', 'new', '0', never);
    assert.match(result.kind === 'unconfirmed' ? result.because : '', /may be lost if the machine stops: EIO/);
  });

  test('of a folder that is not there are refused', async (t) => {
    const { path } = await rig(t);
    const store = openDirectoryWeights({ kind: 'directory', path: join(path, 'none') });
    assert.equal((await store.write('shop', 'new', '0', never)).kind, 'refused');
    await assert.rejects(store.read('shop', never), /ENOENT/);
  });

  test('wait for whoever has the lock, and not for ever', async (t) => {
    const { store, path } = await rig(t);
    const other = new DatabaseSync(join(path, '.sluice-weights.lock'));
    other.exec('PRAGMA journal_mode = MEMORY');
    other.exec('BEGIN EXCLUSIVE');
    const impatient = await store.write('shop', 'new', '0', AbortSignal.abort());
    assert.match(impatient.kind === 'refused' ? impatient.because : '', /somebody else has held/);
    const patient = store.write('shop', 'new', '0', never);
    other.close();
    assert.equal((await patient).kind, 'written');
  });

  test('whose lock was deleted meanwhile are not written', async (t) => {
    const { path, store } = await rig(t);
    await writeFile(join(path, 'shop.weights.json'), 'old');
    const gone = openDirectoryWeights(
      { kind: 'directory', path },
      {
        rename: () => assert.fail('renamed without the lock'),
        syncFolder: async () => undefined,
      },
    );
    // The lock is taken before the call returns.
    const writing = gone.write('shop', 'new', revisionOfText('old'), never);
    unlinkSync(join(path, '.sluice-weights.lock'));
    const result = await writing;
    assert.equal(result.kind, 'refused');
    assert.equal((await store.read('shop', never)).text, 'old');
  });

  test('are counted up by many without one of them being lost', async (t) => {
    const { path, store } = await rig(t);
    const seed = 1;
    const open = () => openDirectoryWeights({ kind: 'directory', path });
    const outcomes = await countUp(open, { route: 'shop', writers: 8, attempts: 10, seed });
    assert.equal(countOf(await store.read('shop', never)), outcomes.written, `seed ${seed}`);
    // On a slow disk the lock may be somebody else's for longer than a writer waits: refused is not lost.
    assert.equal(outcomes.written + outcomes.conflict + outcomes.refused, 80, JSON.stringify(outcomes));
    assert.ok(outcomes.conflict > 0 && outcomes.written >= 10, JSON.stringify(outcomes));
  });
});
