/**
 * The macro bench: CPU per proxied request and latency of Sluice, nginx, HAProxy and http-proxy-3 in front of one
 * upstream. bench/README.md says how and why.
 *
 * Loopback only. Every child is ended by its pid, also on Ctrl-C and on failure.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureServers, findBinary, type Server } from '../../test/support/runner/servers.ts';
import { type Child, Children, freePort, untilReady } from './children.ts';
import type { Contender, Place } from './contenders/contender.ts';
import { haproxy } from './contenders/haproxy.ts';
import { httpProxy3 } from './contenders/http-proxy-3.ts';
import { NGINX, nginx, upstreamCommand } from './contenders/nginx.ts';
import { sluice } from './contenders/sluice.ts';
import { ticksPerSecond } from './cpu.ts';
import { type Load, runLoad, thinkMsFor } from './load.ts';
import { type Cores, measure } from './measure.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { headlineOf, renderJson, renderTable, rowsOf, type Series, type Setting, warningsOf } from './report.ts';
import { HEAD_BYTES } from './request.ts';

const ALL: readonly Contender[] = [nginx, haproxy, sluice, httpProxy3];
const TOOLS: readonly Server[] = [NGINX, { binary: 'wrk', debianPackage: 'wrk', neededFor: 'every measurement' }];
/** Time for a JIT compiler to settle before the first measurement. */
const WARM_UP_SECONDS = 3;

/** A gateway that is up. */
interface Running {
  readonly contender: Contender;
  readonly place: Place;
  readonly child: Child;
  readonly full: Series['full'][number][];
  readonly paced: Series['paced'][number][];
}

/** Everything that a run shares. */
interface Session {
  readonly options: Options;
  readonly folder: string;
  readonly children: Children;
  readonly found: ReadonlyMap<string, string>;
  readonly cores: Cores;
  readonly signal: AbortSignal;
  readonly upstreamPort: number;
}

const root = join(import.meta.dirname, '../..');

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Gateway on core 0, load and upstream on core 1, where there are two cores and `taskset`. */
function chooseCores(): Cores {
  const canPin = availableParallelism() >= 2 && findBinary('taskset') !== null;
  return canPin ? { gateway: 0, load: 1 } : { gateway: -1, load: -1 };
}

function loadOf(session: Session, port: number, seconds: number, thinkMs = 0): Load {
  const { options, folder, cores, signal, found } = session;
  const wrk = found.get('wrk') ?? 'wrk';
  return { wrk, folder, core: cores.load, port, connections: options.connections, seconds, thinkMs, signal };
}

async function startContender(contender: Contender, session: Session): Promise<Running> {
  const { children, cores, found, upstreamPort } = session;
  const folder = join(session.folder, contender.name);
  mkdirSync(folder);
  const place: Place = {
    folder,
    port: await freePort(),
    adminPort: await freePort(),
    upstreamPort,
    binary: (name) => found.get(name) ?? name,
  };
  const child = children.start(contender.name, cores.gateway, contender.prepare(place));
  await untilReady(child, contender.readyUrl(place));
  await runLoad(loadOf(session, place.port, WARM_UP_SECONDS));
  return { contender, place, child, full: [], paced: [] };
}

/** Starts the upstream and measures how much it can answer by itself. */
async function startUpstream(session: Session): Promise<number> {
  const command = upstreamCommand(session.folder, session.upstreamPort, session.found.get('nginx') ?? 'nginx');
  const child = session.children.start('upstream', session.cores.load, command);
  await untilReady(child, `http://127.0.0.1:${session.upstreamPort}/`);
  const { requests, durationUs } = await runLoad(loadOf(session, session.upstreamPort, 2));
  return requests / (durationUs / 1e6);
}

/** All gateways once: A B C D, first saturated, then paced. */
async function runRound(round: number, running: readonly Running[], session: Session): Promise<void> {
  const { options, cores } = session;
  const ticks = ticksPerSecond();
  for (const { contender, place, child, full } of running) {
    const sample = await measure(child.pid, loadOf(session, place.port, options.seconds), cores, ticks);
    full.push(sample);
    say(
      `  round ${round}  ${contender.name.padEnd(13)} ${sample.cpuUs.toFixed(1)} us  ${sample.requestsPerSecond.toFixed(0)}/s`,
    );
  }
  if (options.rate === 0) return;
  for (const { place, child, paced } of running) {
    const thinkMs = thinkMsFor(options.rate, options.connections, 1);
    paced.push(await measure(child.pid, loadOf(session, place.port, options.seconds, thinkMs), cores, ticks));
  }
}

function commitOf(): string {
  const { stdout, status } = spawnSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}

function settingOf(session: Session, upstreamRequestsPerSecond: number): Setting {
  const { rounds, seconds, connections, rate } = session.options;
  return {
    at: new Date().toISOString(),
    commit: commitOf(),
    node: process.version,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    kernel: release(),
    rounds,
    seconds,
    connections,
    rate,
    headBytes: HEAD_BYTES,
    isPinned: session.cores.gateway >= 0,
    upstreamRequestsPerSecond,
  };
}

function publish(session: Session, setting: Setting, series: readonly Series[]): void {
  const rows = rowsOf(series);
  say(`\n${renderTable(rows)}\n`);
  const headline = headlineOf(series);
  if (headline !== '') say(headline);
  for (const warning of warningsOf(rows, setting)) say(`note: ${warning}`);
  const { json, save } = session.options;
  const files = [json, save ? join(root, `bench/results/${setting.at.slice(0, 10)}-${setting.commit}.json`) : null];
  for (const file of files) {
    if (file === null) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, renderJson(setting, series));
    say(`written: ${file}`);
  }
}

async function bench(session: Session, contenders: readonly Contender[]): Promise<void> {
  const ceiling = await startUpstream(session);
  const setting = settingOf(session, ceiling);
  say(
    `${setting.cpu}, Linux ${setting.kernel}, Node ${setting.node}; upstream alone: ${ceiling.toFixed(0)} requests/s`,
  );
  say(`${HEAD_BYTES}-byte heads, ${setting.connections} connections, ${setting.rounds} rounds of ${setting.seconds} s`);
  const running: Running[] = [];
  for (const contender of contenders) running.push(await startContender(contender, session));
  for (let round = 1; round <= session.options.rounds; round++) await runRound(round, running, session);
  publish(
    session,
    setting,
    running.map(({ contender, place, full, paced }) => ({
      name: contender.name,
      version: contender.version(place),
      full,
      paced,
    })),
  );
}

/** Finds the programs; says which gateways are left out. Null when nothing can be measured. */
function prepare(options: Options): { found: ReadonlyMap<string, string>; contenders: readonly Contender[] } | null {
  const chosen = ALL.filter(({ name }) => options.only.includes(name));
  const { found, missing, lines } = ensureServers([...TOOLS, ...chosen.flatMap(({ needs }) => needs)]);
  for (const line of lines) say(line);
  if (TOOLS.some(({ binary }) => !found.has(binary))) return null;
  const isThere = ({ needs }: Contender): boolean => !needs.some((need) => missing.includes(need));
  return { found, contenders: chosen.filter(isThere) };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    say(USAGE);
    return 0;
  }
  const prepared = prepare(options);
  if (prepared === null) return 1;
  const children = new Children();
  const abort = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  process.once('SIGINT', () => abort.abort());
  process.once('SIGTERM', () => abort.abort());
  process.once('exit', () => children.killAll());
  const upstreamPort = await freePort();
  const { found, contenders } = prepared;
  const session = { options, folder, children, found, cores: chooseCores(), signal: abort.signal, upstreamPort };
  try {
    await bench(session, contenders);
    return 0;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    say('interrupted');
    return 130;
  } finally {
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
