/**
 * Makes the single executable: the Node that runs this, and in it the package with what it needs at run time, as a ZIP archive.
 *
 * `node deploy/executable/build.mjs [FILE]` after `npm run build`; default: `dist/sluice`. Nothing is bundled: each thread mounts the archive
 * as a file system of its own (`mount.mjs`), and the modules are loaded from it one by one as they lie in the package. The same tree and Node give the same file.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, posix, relative, resolve, sep } from 'node:path';
import { createZipArchiveSync, ZipEntry } from 'node:zlib';
import { readLockfile, runtimePackages } from '../lockfile.mjs';

const ROOT = join(import.meta.dirname, '../..');
/** What is loaded or served, and what has to be passed on with it; no types, maps and texts for people. */
const WANTED = /\.(?:[cm]?js|json|css)$|^(?:licen[cs]e|notice)\b/i;
/** The first moment that the archive's dates can say: those of the files would make every build another. */
const MODIFIED = new Date(1980, 0, 1);

/** @param {string} folder relative to the root @returns {string[]} files below it that are wanted, likewise */
function filesIn(folder) {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && WANTED.test(entry.name))
    .map(({ parentPath, name }) => relative(ROOT, join(parentPath, name)).split(sep).join('/'));
}

/** @param {string[]} files @returns {string[]} every folder above them; `mount.mjs` knows no others */
function foldersOf(files) {
  /** @type {Set<string>} */
  const folders = new Set();
  for (const file of files) {
    for (let folder = posix.dirname(file); folder !== '.'; folder = posix.dirname(folder)) folders.add(`${folder}/`);
  }
  return [...folders];
}

function archive() {
  const packages = runtimePackages(readLockfile()).map(([folder]) => folder);
  const files = ['package.json', 'LICENSE', ...['dist', ...packages].flatMap(filesIn)];
  const folders = foldersOf(files).map((name) => ZipEntry.createSync(name, Buffer.alloc(0), { modified: MODIFIED }));
  const contents = [...new Set(files)]
    .toSorted()
    .map((name) => ZipEntry.createSync(name, readFileSync(join(ROOT, name)), { modified: MODIFIED }));
  return Buffer.concat([...createZipArchiveSync([...folders, ...contents])]);
}

const output = resolve(process.argv[2] ?? join(ROOT, 'dist/sluice'));
const folder = mkdtempSync(join(tmpdir(), 'sluice-executable-'));
try {
  const [zip, settings] = [join(folder, 'package.zip'), join(folder, 'settings.json')];
  writeFileSync(zip, archive());
  const mount = readFileSync(join(import.meta.dirname, 'mount.mjs'), 'utf8');
  writeFileSync(
    settings,
    JSON.stringify({
      main: join(import.meta.dirname, 'start.mjs'),
      mainFormat: 'module',
      output,
      assets: { 'package.zip': zip },
      disableExperimentalSEAWarning: true,
      execArgv: [
        // Of what is experimental nothing but the mount is used, and the Node that it is tested with is inside.
        '--disable-warning=ExperimentalWarning',
        '--experimental-vfs',
        '--import',
        `data:text/javascript,${encodeURIComponent(mount)}`,
      ],
    }),
  );
  const { status } = spawnSync(process.execPath, ['--build-sea', settings], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
