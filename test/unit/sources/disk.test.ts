import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { SluiceError } from '#src/model/problem.ts';
import { DISK, readText, textOf } from '#src/sources/disk.ts';
import { DOCUMENT_BYTES_MAX } from '#src/sources/document/read.ts';

let folder = '';

/** Makes the folder before the cases of a suite, and removes it after them. */
function inFolder(): void {
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-disk-'));
  });
  after(() => rm(folder, { recursive: true }));
}

/** Writes a file and gives its path. */
async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

function unreadable(path: string, why: RegExp): Promise<void> {
  return assert.rejects(readText(path), (error) => {
    assert.ok(error instanceof SluiceError);
    assert.equal(error.code, 'SLU_CONFIG_UNREADABLE');
    assert.ok(error.message.startsWith(`cannot read ${path}: `), error.message);
    assert.match(error.message, why);
    return true;
  });
}

describe('readText', () => {
  inFolder();

  test('gives the text of a file without its byte order mark', async () => {
    assert.equal(await readText(await file('a', '\ufeffä: 1\n')), 'ä: 1\n');
  });

  test('gives the text of the bytes that are in the file', async () => {
    const path = await file('b', '\ufeffb\n');
    const bytes = await DISK.readBytes(path);
    assert.deepEqual([...bytes], [0xef, 0xbb, 0xbf, 0x62, 0x0a]);
    assert.equal(textOf(path, bytes), await readText(path));
  });

  test('says why a file cannot be read', async () => {
    await unreadable(join(folder, 'none.yaml'), /no such file$/);
    await unreadable(join(folder, 'none', 'a.yaml'), /no such file$/);
    await unreadable(join(await file('plain', ''), 'a.yaml'), /a part of the path is not a directory$/);
    await unreadable(folder, /it is not a regular file$/);
    await unreadable('/dev/null', /it is not a regular file$/);
  });

  test('refuses bytes that are not UTF-8', async () => {
    await unreadable(await file('latin1', new Uint8Array([0x61, 0xe4, 0x62])), /it is not UTF-8 text$/);
  });

  test('refuses a file of more than 16 MiB without reading it', async () => {
    const path = await file('big', '');
    await truncate(path, DOCUMENT_BYTES_MAX + 1);
    await unreadable(path, /it has 16777217 bytes, more than 16777216$/);
  });
});

describe('watchFolder', () => {
  inFolder();

  test('tells the name of what changed', async () => {
    const { promise, resolve } = Promise.withResolvers<string | null>();
    const watch = DISK.watchFolder(folder, resolve, assert.fail);
    const path = await file('new.tmp', 'a');
    assert.equal(await promise, 'new.tmp');
    watch.close();
    watch.close();
    await rename(path, join(folder, 'renamed'));
  });

  test('cannot watch what is not there', async () => {
    await mkdir(join(folder, 'there'));
    assert.throws(() => DISK.watchFolder(join(folder, 'gone'), () => {}, assert.fail), { code: 'ENOENT' });
  });
});
