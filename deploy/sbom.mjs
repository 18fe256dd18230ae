/**
 * Prints the bill of materials of the package (CycloneDX, JSON), by npm over the part of the lockfile that is there at run time.
 *
 * Not by `npm sbom --omit dev` over all of it: npm 11 then leaves out as well what a package for development needs too.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** @typedef {{ name: string, devDependencies?: object, scripts?: object }} Manifest */
/** @typedef {{ packages: Record<string, { dev?: boolean, link?: boolean, devDependencies?: object }> }} Lockfile */

/** @param {string} name */
const textOf = (name) => readFileSync(new URL(`../${name}`, import.meta.url), 'utf8');

const {
  devDependencies: _dev,
  scripts: _scripts,
  ...manifest
} = /** @type {Manifest} */ (JSON.parse(textOf('package.json')));
const lockfile = /** @type {Lockfile} */ (JSON.parse(textOf('package-lock.json')));
const { devDependencies: _locked, ...root } = lockfile.packages[''] ?? {};
const entries = Object.entries(lockfile.packages).filter(
  ([place, { dev, link }]) => place.startsWith('node_modules/') && dev !== true && link !== true,
);

const folder = mkdtempSync(join(tmpdir(), 'sluice-sbom-'));
try {
  // npm calls the whole by the name of its folder.
  const home = join(folder, manifest.name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  const packages = { '': root, ...Object.fromEntries(entries) };
  writeFileSync(join(home, 'package-lock.json'), JSON.stringify({ ...lockfile, packages }));
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: home, encoding: 'utf8' });
  if (status === 0) process.stdout.write(stdout);
  else process.stderr.write(stderr);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
