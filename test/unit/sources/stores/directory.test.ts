import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { type Folder, openDirectory, revisionOfText } from '#src/sources/stores/directory.ts';

const never = new AbortController().signal;
const nothing = (): void => undefined;

async function folderOf(t: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-conf-'));
  t.after(() => rm(path, { recursive: true }));
  return path;
}

/** A directory in memory; what happens while a file is read is the test's to say. */
function fake(files: Map<string, string>, during: () => void = nothing): Folder & { wake: () => void } {
  const folder: Folder & { wake: () => void } = {
    names: async () => [...files.keys()],
    look: async (file) => ({ size: (files.get(basename(file)) ?? '').length, mtimeMs: 1, ino: 1 }),
    readText: async (file) => {
      during();
      return files.get(basename(file)) ?? '';
    },
    watchFolder: (_path, onChange) => {
      folder.wake = () => onChange(null);
      return { close: nothing };
    },
    pollMs: 1_000_000,
    wake: nothing,
  };
  return folder;
}

describe('a directory', () => {
  test('holds its documents in the order of their names, and nothing else', async (t) => {
    const path = await folderOf(t);
    for (const name of ['b.yaml', 'a.yml', 'c.json', '.hidden.yaml', 'd.txt', 'e.yaml~']) {
      await writeFile(join(path, name), `# ${name}`);
    }
    const { pieces } = await openDirectory({ kind: 'directory', path }).list(never);
    assert.deepEqual(
      pieces.map(({ name, text, mount }) => [name, text, mount.kind]),
      ['a.yml', 'b.yaml', 'c.json'].map((name) => [join(path, name), `# ${name}`, 'root']),
    );
  });

  test('has the signature of a document beside it', async (t) => {
    const path = await folderOf(t);
    for (const name of ['a.yaml', 'a.yaml.sig', 'b.weights.yaml.sig', 'c.sig', 'd.txt.sig']) {
      await writeFile(join(path, name), '# x');
    }
    const { pieces } = await openDirectory({ kind: 'directory', path }).list(never);
    assert.deepEqual(
      pieces.map(({ mount }) => mount),
      [{ kind: 'root' }, { kind: 'signature', of: 'a.yaml' }, { kind: 'signature', of: 'b.weights.yaml' }],
    );
  });

  test('has the weights of a route in a file named after it, with a revision that is that of the text', async (t) => {
    const path = await folderOf(t);
    for (const name of ['shop.weights.yaml', 'a.b.weights.json', '.weights.yaml', 'weights.yaml', 'shop.weights.txt']) {
      await writeFile(join(path, name), 'weights: {}');
    }
    const { pieces } = await openDirectory({ kind: 'directory', path }).list(never);
    const revision = revisionOfText('weights: {}');
    assert.match(revision, /^[0-9a-f]{16}$/);
    assert.deepEqual(
      pieces.map(({ mount }) => mount),
      [{ kind: 'weights', name: 'a.b', revision }, { kind: 'weights', name: 'shop', revision }, { kind: 'root' }],
    );
  });

  test('tells of a write, a rename, a removal and the swap of a ConfigMap', async (t) => {
    const path = await folderOf(t);
    const store = openDirectory({ kind: 'directory', path });
    const changes = async (deed: () => Promise<unknown>): Promise<string[]> => {
      const { revision } = await store.list(never);
      const word = store.watch(revision, never, nothing);
      await deed();
      assert.deepEqual(await word, { kind: 'changed' });
      return (await store.list(never)).pieces.map(({ text }) => text);
    };
    assert.deepEqual(await changes(() => writeFile(join(path, 'a.yaml'), 'one')), ['one']);
    await writeFile(join(path, '.new'), 'other');
    assert.deepEqual(await changes(() => rename(join(path, '.new'), join(path, 'a.yaml'))), ['other']);
    assert.deepEqual(await changes(() => rm(join(path, 'a.yaml'))), []);
    for (const version of ['..1', '..2']) {
      await mkdir(join(path, version));
      await writeFile(join(path, version, 'm.yaml'), version);
    }
    await symlink('..1', join(path, '..data'));
    assert.deepEqual(await changes(() => symlink('..data/m.yaml', join(path, 'm.yaml'))), ['..1']);
    await symlink('..2', join(path, '..new'));
    assert.deepEqual(await changes(() => rename(join(path, '..new'), join(path, '..data'))), ['..2']);
  });

  test('that is not there says so', async () => {
    const store = openDirectory({ kind: 'directory', path: '/nowhere/conf.d' });
    const message = /cannot read the directory \/nowhere\/conf\.d: ENOENT/;
    await assert.rejects(store.list(never), { code: 'SLU_SOURCE_UNAVAILABLE', message });
  });
});

test('files that are swapped while they are read are read again: an answer is one moment', async () => {
  const files = new Map([
    ['a.yaml', '1'],
    ['b.yaml', '1'],
  ]);
  let reads = 0;
  const folder = fake(files, () => {
    reads += 1;
    if (reads === 2) for (const name of files.keys()) files.set(name, '22');
  });
  const { pieces } = await openDirectory({ kind: 'directory', path: './' }, folder).list(never);
  assert.deepEqual([pieces.map(({ text }) => text), reads], [['22', '22'], 4]);
});

test('a writer who never stops is told of', async () => {
  const files = new Map([['a.yaml', '']]);
  const folder = fake(files, () => files.set('a.yaml', `${files.get('a.yaml')}x`));
  await assert.rejects(openDirectory({ kind: 'directory', path: './' }, folder).list(never), /changed 5 times/);
});

test('what changed before the watch began is told, and an event without a change is none', async () => {
  const files = new Map([['a.yaml', '1']]);
  const folder = fake(files);
  const store = openDirectory({ kind: 'directory', path: './' }, folder);
  const { revision } = await store.list(never);
  const word = store.watch(revision, never, nothing);
  folder.wake();
  assert.deepEqual(await word, { kind: 'same' });
  files.set('a.yaml', '22');
  assert.deepEqual(await store.watch(revision, never, nothing), { kind: 'changed' });
});

test('a directory that cannot be watched is looked at from time to time', async () => {
  const files = new Map([['a.yaml', '1']]);
  const watchFolder = (): never => {
    throw new Error('ENOSPC');
  };
  const store = openDirectory({ kind: 'directory', path: './' }, { ...fake(files), watchFolder, pollMs: 1 });
  assert.deepEqual(await store.watch((await store.list(never)).revision, never, nothing), { kind: 'same' });
});
