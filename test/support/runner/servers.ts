/**
 * Finds the real servers that tests and benches use, and installs them where that is ours to do.
 *
 * A binary in PATH (or in an sbin folder, which PATH often lacks) wins. Otherwise the named Debian package is installed,
 * on Debian and as root only; a package that only another suite has is unpacked beside the tests instead, as is one of npm,
 * and found there again the next time. What is still missing then is told in one line each; where `CI=true` nothing may be missing,
 * because a test that is skipped everywhere tests nothing.
 */

import { spawnSync } from 'node:child_process';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';

/** A program that something needs. */
export interface Server {
  /** A program's name, or the full path of a file that another program loads. */
  readonly binary: string;
  readonly debianPackage: string;
  /** The suite whose package is unpacked, where the machine's own has none. */
  readonly suite?: string;
  /** The package of npm that has it instead, and where: Node itself comes so. */
  readonly npm?: NpmPackage;
  /** Tries it: says why it is of no use here, or nothing. Without it, who is there is of use. */
  readonly trial?: (path: string) => string;
  /** What is skipped without it, as the end of the sentence "skipped: …". */
  readonly neededFor: string;
}

interface NpmPackage {
  /** `name@version` */
  readonly spec: string;
  /** Of the program, in the folder that packages are installed in. */
  readonly file: string;
}

/** The oldest Node that the package runs on. */
const NODE_24 = `node-${process.platform}-${process.arch}`;

/** What nginx loads to pass connections on as they are. */
export const NGINX_STREAM = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Programs that the tests need beside Node. */
export const SERVERS: readonly Server[] = [
  { binary: 'curl', debianPackage: 'curl', neededFor: 'curl as a client' },
  { binary: 'openssl', debianPackage: 'openssl', neededFor: 'openssl as a client' },
  { binary: 'chromium', debianPackage: 'chromium', neededFor: 'a browser as a client' },
  { binary: 'wrk', debianPackage: 'wrk', neededFor: 'wrk as a client, the macro bench' },
  { binary: 'h2load', debianPackage: 'nghttp2-client', neededFor: 'h2load as a client, the edge bench' },
  { binary: 'nginx', debianPackage: 'nginx', neededFor: 'the macro bench and its upstream' },
  { binary: NGINX_STREAM, debianPackage: 'libnginx-mod-stream', neededFor: 'nginx as a sender of the PROXY protocol' },
  { binary: 'haproxy', debianPackage: 'haproxy', neededFor: "HAProxy's configuration in the macro bench" },
  { binary: 'caddy', debianPackage: 'caddy', neededFor: "Caddy's configuration in the macro bench" },
  { binary: 'taskset', debianPackage: 'util-linux', neededFor: 'the macro bench' },
  { binary: 'chrt', debianPackage: 'util-linux', neededFor: 'the places of the reload bench' },
  { binary: 'promtool', debianPackage: 'prometheus', neededFor: 'promtool, which checks and tests rules' },
  { binary: 'prometheus', debianPackage: 'prometheus', neededFor: 'Prometheus, which scrapes the metrics' },
  { binary: 'systemd-analyze', debianPackage: 'systemd', neededFor: 'systemd-analyze, which verifies units' },
  { binary: 'ip', debianPackage: 'iproute2', trial: tryNamespace, neededFor: 'a network that is cut' },
  { binary: 'strace', debianPackage: 'strace', trial: tryTracing, neededFor: 'a disk that fails now and then' },
  { binary: 'etcd', debianPackage: 'etcd-server', neededFor: 'etcd as a source' },
  { binary: 'redis-server', debianPackage: 'redis-server', neededFor: 'Redis' },
  { binary: 'zkServer.sh', debianPackage: 'zookeeper', neededFor: 'ZooKeeper as a source' },
  // Debian 11 was the last to have it.
  { binary: 'consul', debianPackage: 'consul', suite: 'bullseye', neededFor: 'Consul as a source' },
  {
    binary: 'node24',
    debianPackage: 'nodejs',
    npm: { spec: `${NODE_24}@24.21.0`, file: `${NODE_24}/bin/node` },
    neededFor: 'the package on the oldest Node that it runs on',
  },
];

/** What the search may do to the machine; a test puts its own in. */
export interface Machine {
  readonly isCi: boolean;
  /** Full path of an executable, or null. */
  readonly find: (binary: string) => string | null;
  /** Installs packages; says why when it cannot. */
  readonly install: (packages: readonly string[]) => Outcome;
  /** Unpacks a package of another suite where `find` looks; says why when it cannot. */
  readonly unpack: (debianPackage: string, suite: string) => Outcome;
  /** Puts a program of a package of npm where `find` looks; says why when it cannot. */
  readonly fetch: (binary: string, npm: NpmPackage) => Outcome;
}

interface Outcome {
  readonly done: boolean;
  readonly because: string;
}

export interface ServerReport {
  /** Full path by binary. */
  readonly found: ReadonlyMap<string, string>;
  readonly missing: readonly Server[];
  /** What a person should read; empty when everything was there. */
  readonly lines: readonly string[];
  /** Whether the run must not go on: something is missing, or of no use, and `CI=true`. */
  readonly isFailure: boolean;
}

/** Where packages of other suites are unpacked. */
const UNPACKED = join(import.meta.dirname, '../../../node_modules/.cache/debian');
/** Where packages of npm are installed, apart from those of the repository. */
const FETCHED = join(UNPACKED, '../npm');
const FOLDERS = [
  ...['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/share/zookeeper/bin'],
  join(UNPACKED, 'usr/bin'),
  join(FETCHED, 'bin'),
];

/** Full path of an executable in `path`, an sbin folder or an unpacked package, or null; a full path is looked up as it is. */
export function findBinary(binary: string, path: string = process.env['PATH'] ?? ''): string | null {
  if (isAbsolute(binary)) return existsSync(binary) ? binary : null;
  for (const folder of [...path.split(delimiter), ...FOLDERS]) {
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
function installDebian(packages: readonly string[]): Outcome {
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

/** Where Debian keeps the list of its own mirror. */
const SOURCES = '/etc/apt/sources.list.d/debian.sources';

/** The mirror of the machine's own suite, asked for another one: the system's lists and sources stay as they are. */
function unpackDebian(debianPackage: string, suite: string): Outcome {
  if (!existsSync(SOURCES)) return { done: false, because: `there is no ${SOURCES} that names a mirror` };
  const folder = mkdtempSync(join(tmpdir(), 'sluice-apt-'));
  try {
    const [mirror = ''] = readFileSync(SOURCES, 'utf8').split(/\n\s*\n/);
    for (const part of ['lists/partial', 'parts', 'archives/partial']) {
      mkdirSync(join(folder, part), { recursive: true });
    }
    writeFileSync(join(folder, 'parts', `${suite}.sources`), mirror.replace(/^Suites:.*$/m, `Suites: ${suite}`));
    const own = ['Etc::sourcelist=/dev/null', `Etc::sourceparts=${folder}/parts`, `State::Lists=${folder}/lists`];
    // apt drops its rights to download, and then could not write into a folder that only we may.
    const options = [...own.map((option) => `Dir::${option}`), 'APT::Sandbox::User=root'].flatMap((one) => ['-o', one]);
    const run = (command: string, ...args: string[]): boolean =>
      spawnSync(command, args, { cwd: folder, stdio: 'ignore', timeout: 300_000 }).status === 0;
    if (!run('apt-get', ...options, 'update')) return { done: false, because: `no list of ${suite} could be had` };
    if (!run('apt-get', ...options, 'download', debianPackage)) return { done: false, because: 'no download' };
    const archive = readdirSync(folder).find((name) => name.endsWith('.deb')) ?? '';
    mkdirSync(UNPACKED, { recursive: true });
    const done = run('dpkg', '-x', archive, UNPACKED);
    return { done, because: done ? '' : 'it could not be unpacked' };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** One package without its scripts; the program gets a name of its own, beside others of the same name. */
function fetchNpm(binary: string, { spec, file }: NpmPackage): Outcome {
  mkdirSync(join(FETCHED, 'bin'), { recursive: true });
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  const args = ['install', '--prefix', FETCHED, ...quiet, spec];
  const done = spawnSync('npm', args, { cwd: FETCHED, stdio: 'ignore', timeout: 300_000 }).status === 0;
  if (!done) return { done, because: 'npm could not install it' };
  const link = join(FETCHED, 'bin', binary);
  rmSync(link, { force: true });
  symlinkSync(join(FETCHED, 'node_modules', file), link);
  return { done, because: '' };
}

/** The machine that this runs on. */
export const thisMachine: Machine = {
  isCi: process.env['CI'] === 'true',
  find: (binary) => findBinary(binary),
  install: installDebian,
  unpack: unpackDebian,
  fetch: fetchNpm,
};

/** Why no network namespace can be made; empty when one can, which is gone again. @param ip full path */
export function tryNamespace(ip: string): string {
  const name = `sluice-${process.pid}-trial`;
  const { status, stderr } = spawnSync(ip, ['netns', 'add', name], { encoding: 'utf8' });
  if (status !== 0) return `it makes no network namespace: ${stderr.trim()}`;
  spawnSync(ip, ['netns', 'delete', name]);
  return '';
}

/** Why a process cannot have calls of another one fail; empty: it can. */
export function tryTracing(strace: string): string {
  const inject = ['-qq', '-o', '/dev/null', '-e', 'trace=getppid', '-e', 'inject=getppid:error=EIO'];
  const { status, stderr } = spawnSync(strace, [...inject, '/bin/sh', '-c', 'exit 0'], { encoding: 'utf8' });
  return status === 0 ? '' : `it can trace no process: ${stderr.trim()}`;
}

/** Makes sure of servers: finds them, installs what is missing if it can, and reports. */
export function ensureServers(servers: readonly Server[], machine: Machine = thisMachine): ServerReport {
  const absent = servers.filter(({ binary }) => machine.find(binary) === null);
  const because = new Map<Server, string>();
  const own = absent.filter(({ suite, npm }) => suite === undefined && npm === undefined);
  const packages = [...new Set(own.map(({ debianPackage }) => debianPackage))];
  const installed = packages.length === 0 ? { because: '' } : machine.install(packages);
  for (const server of own) because.set(server, installed.because);
  for (const server of absent) {
    const { binary, debianPackage, suite, npm } = server;
    if (suite !== undefined) because.set(server, machine.unpack(debianPackage, suite).because);
    if (npm !== undefined) because.set(server, machine.fetch(binary, npm).because);
  }
  const found = new Map<string, string>();
  const missing: Server[] = [];
  const useless = new Map<Server, string>();
  for (const server of servers) {
    const path = machine.find(server.binary);
    const failure = path === null ? '' : (server.trial?.(path) ?? '');
    if (failure !== '') useless.set(server, failure);
    if (path === null || failure !== '') missing.push(server);
    else found.set(server.binary, path);
  }
  const lines = missing.map((server) => {
    const { binary, debianPackage, suite = '', npm, neededFor } = server;
    const failure = useless.get(server);
    if (failure !== undefined) return `${binary} is of no use here (${failure}); skipped: ${neededFor}`;
    const debian = `Debian package ${debianPackage}${suite === '' ? '' : ` of ${suite}`}`;
    const named = npm === undefined ? debian : `package ${npm.spec} of npm`;
    return `${binary} is missing (${named}; ${because.get(server) || 'it holds no such program'}); skipped: ${neededFor}`;
  });
  return { found, missing, lines, isFailure: machine.isCi && missing.length > 0 };
}

/** Makes sure of what a bench cannot do without. @throws Error that names what is missing and where it comes from */
export function needServers(binaries: readonly string[], machine: Machine = thisMachine): void {
  const { missing } = ensureServers(
    SERVERS.filter(({ binary }) => binaries.includes(binary)),
    machine,
  );
  if (missing.length === 0) return;
  const named = missing.map(({ binary, debianPackage }) => `${binary} (Debian package ${debianPackage})`);
  throw new Error(`cannot be measured without ${named.join(', ')}: install what is missing`);
}
