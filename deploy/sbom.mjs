/**
 * Prints the bill of materials of the package (CycloneDX, JSON), by npm over the part of the lockfile that is there at run time.
 * With `--executable` that of the single executable: there is also the Node that runs this, with what is compiled into it.
 *
 * Not by `npm sbom --omit dev` over all of it: npm 11 then leaves out as well what a package for development needs too.
 */

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readLockfile, runtimePackages } from './lockfile.mjs';

/** @typedef {{ name: string, devDependencies?: object, scripts?: object }} Manifest */
/** @typedef {{ components: object[], dependencies: { ref: string, dependsOn: string[] }[] }} Bill */

/** Numbers of interfaces among the versions that Node says of itself. */
const INTERFACES = ['modules', 'napi'];

const {
  devDependencies: _dev,
  scripts: _scripts,
  ...manifest
} = /** @type {Manifest} */ (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')));
const lockfile = readLockfile();
const { devDependencies: _locked, ...root } = lockfile.packages[''] ?? {};

/** Node and its libraries, as one component. */
function node() {
  const { node: version, ...libraries } = process.versions;
  return {
    'bom-ref': `node@${version}`,
    type: 'platform',
    name: 'node',
    version,
    purl: `pkg:generic/node@${version}`,
    hashes: [{ alg: 'SHA-256', content: createHash('sha256').update(readFileSync(process.execPath)).digest('hex') }],
    licenses: [{ license: { id: 'MIT' } }],
    components: Object.entries(libraries)
      .filter(([name, its]) => !INTERFACES.includes(name) && its !== undefined && its !== '')
      .map(([name, its]) => ({ 'bom-ref': `node/${name}@${its}`, type: 'library', name, version: its })),
  };
}

/** @param {string} text of the package's bill @returns {string} the executable's */
function withNode(text) {
  const bill = /** @type {Bill} */ (JSON.parse(text));
  const runtime = node();
  const ref = runtime['bom-ref'];
  const components = [...bill.components, runtime];
  const dependencies = [...bill.dependencies, { ref, dependsOn: [] }].map((entry) =>
    entry.ref.startsWith(`${manifest.name}@`) ? { ...entry, dependsOn: [...entry.dependsOn, ref] } : entry,
  );
  return `${JSON.stringify({ ...bill, components, dependencies }, null, 2)}\n`;
}

const folder = mkdtempSync(join(tmpdir(), 'sluice-sbom-'));
try {
  // npm calls the whole by the name of its folder.
  const home = join(folder, manifest.name);
  mkdirSync(home);
  writeFileSync(join(home, 'package.json'), JSON.stringify(manifest));
  const packages = { '': root, ...Object.fromEntries(runtimePackages(lockfile)) };
  writeFileSync(join(home, 'package-lock.json'), JSON.stringify({ ...lockfile, packages }));
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: home, encoding: 'utf8' });
  if (status === 0) process.stdout.write(process.argv.includes('--executable') ? withNode(stdout) : stdout);
  else process.stderr.write(stderr);
  process.exitCode = status ?? 1;
} finally {
  rmSync(folder, { recursive: true });
}
