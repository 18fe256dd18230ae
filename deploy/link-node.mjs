/**
 * Runs after `npm ci` in the repository, on any Node from 20 on: makes sure that `node_modules/.bin/node` is the Node 26 of the
 * lockfile. Who installs the package never runs it.
 *
 * `deploy/node` brings Node for five platforms under one bin name. npm before 11.5 drops those of the other
 * platforms after linking and takes the link of the right one with them; here it is put back. Nothing happens where
 * optional packages were left out on purpose (the container image has a Node of its own).
 */

import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const platform = process.platform === 'win32' ? 'win' : process.platform;
const names = [`node-${platform}-${process.arch}`, `node-bin-${platform}-${process.arch}`];
const modules = join(import.meta.dirname ?? new URL('.', import.meta.url).pathname, '..', 'node_modules');
const binary = process.platform === 'win32' ? 'node.exe' : 'node';
const name = names.find((candidate) => existsSync(join(modules, candidate, 'bin', binary)));
const bin = join(modules, '.bin');
const link = join(bin, process.platform === 'win32' ? 'node.cmd' : 'node');

if (name !== undefined && !existsSync(link)) {
  mkdirSync(bin, { recursive: true });
  if (process.platform === 'win32') writeFileSync(link, `@"%~dp0\\..\\${name}\\bin\\node.exe" %*\r\n`);
  else symlinkSync(join('..', name, 'bin', 'node'), link);
}
