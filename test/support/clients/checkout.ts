/** The repository in a folder of its own, where a test may build, and npm as whoever works in it has it. */

import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findBinary } from '../runner/servers.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** What the package and the executable are made of. */
const SOURCES = [
  'config',
  'deploy',
  'src',
  'CHANGELOG.md',
  'LICENSE',
  'README.md',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsconfig.build.json',
];

/** Null: this machine has none. */
export const NPM = findBinary('npm');

/** Copies what is built from; the packages are the repository's own. */
export function checkOut(folder: string): void {
  mkdirSync(folder);
  for (const name of SOURCES) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
}

/** npm as a user has it who came from nowhere: none of the settings of the npm that runs these tests. */
export function npm(folder: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const quiet = { npm_config_audit: 'false', npm_config_fund: 'false', npm_config_update_notifier: 'false' };
  const settings = { ...quiet, npm_config_loglevel: 'error', npm_config_userconfig: join(folder, 'no-npmrc') };
  return promisify(execFile)(NPM as string, [...args], {
    cwd: folder,
    env: { ...Object.fromEntries(own), ...settings, ...env },
  });
}
