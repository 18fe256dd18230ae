/**
 * Finds the real servers that tests and benches use, and installs them where that is ours to do.
 *
 * A binary in PATH (or in an sbin folder, which PATH often lacks) wins. Otherwise the named Debian package is installed,
 * on Debian and as root only. What is still missing then is told in one line each; where `CI=true` nothing may be
 * missing, because a test that is skipped everywhere tests nothing.
 */

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** A program that something needs. */
export interface Server {
  readonly binary: string;
  readonly debianPackage: string;
  /** What is skipped without it, as the end of the sentence "skipped: …". */
  readonly neededFor: string;
}

/** Programs that the tests need beside Node. */
export const SERVERS: readonly Server[] = [
  { binary: 'curl', debianPackage: 'curl', neededFor: 'curl as a client' },
  { binary: 'chromium', debianPackage: 'chromium', neededFor: 'a browser as a client' },
  { binary: 'wrk', debianPackage: 'wrk', neededFor: 'wrk as a client, the macro bench' },
  { binary: 'nginx', debianPackage: 'nginx', neededFor: 'the macro bench and its upstream' },
  { binary: 'haproxy', debianPackage: 'haproxy', neededFor: "HAProxy's configuration in the macro bench" },
  { binary: 'caddy', debianPackage: 'caddy', neededFor: "Caddy's configuration in the macro bench" },
  { binary: 'taskset', debianPackage: 'util-linux', neededFor: 'the macro bench' },
];

/** What the search may do to the machine; a test puts its own in. */
export interface Machine {
  readonly isCi: boolean;
  /** Full path of an executable, or null. */
  readonly find: (binary: string) => string | null;
  /** Installs packages; says why when it cannot. */
  readonly install: (packages: readonly string[]) => { readonly done: boolean; readonly because: string };
}

export interface ServerReport {
  /** Full path by binary. */
  readonly found: ReadonlyMap<string, string>;
  readonly missing: readonly Server[];
  /** What a person should read; empty when everything was there. */
  readonly lines: readonly string[];
  /** Whether the run must not go on: something is missing and `CI=true`. */
  readonly isFailure: boolean;
}

const SBIN = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Full path of an executable in `path` or an sbin folder, or null. */
export function findBinary(binary: string, path: string = process.env['PATH'] ?? ''): string | null {
  for (const folder of [...path.split(delimiter), ...SBIN]) {
    if (folder === '') continue;
    const candidate = join(folder, binary);
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      // Not there or not executable: the next folder.
    }
  }
  return null;
}

/** `apt-get install`, after `apt-get update` when the first try finds no package. */
function installDebian(packages: readonly string[]): { done: boolean; because: string } {
  if (!existsSync('/etc/debian_version')) return { done: false, because: 'this is not Debian' };
  if (process.getuid?.() !== 0) return { done: false, because: 'only root may install packages' };
  const apt = (...args: string[]): boolean =>
    spawnSync('apt-get', args, {
      stdio: 'ignore',
      timeout: 300_000,
      // RUNLEVEL=1 keeps Debian from starting the freshly installed services.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    }).status === 0;
  const install = ['install', '-y', '--no-install-recommends', ...packages];
  const done = apt(...install) || (apt('update') && apt(...install));
  return { done, because: done ? '' : 'apt-get failed' };
}

/** The machine that this runs on. */
export const thisMachine: Machine = {
  isCi: process.env['CI'] === 'true',
  find: (binary) => findBinary(binary),
  install: installDebian,
};

/** Makes sure of servers: finds them, installs what is missing if it can, and reports. */
export function ensureServers(servers: readonly Server[], machine: Machine = thisMachine): ServerReport {
  const absent = servers.filter(({ binary }) => machine.find(binary) === null);
  const packages = [...new Set(absent.map(({ debianPackage }) => debianPackage))];
  const { because } = packages.length === 0 ? { because: '' } : machine.install(packages);
  const found = new Map<string, string>();
  const missing: Server[] = [];
  for (const server of servers) {
    const path = machine.find(server.binary);
    if (path === null) missing.push(server);
    else found.set(server.binary, path);
  }
  const lines = missing.map(
    ({ binary, debianPackage, neededFor }) =>
      `${binary} is missing (Debian package ${debianPackage}; ${because || 'it holds no such program'}); skipped: ${neededFor}`,
  );
  return { found, missing, lines, isFailure: machine.isCi && missing.length > 0 };
}
