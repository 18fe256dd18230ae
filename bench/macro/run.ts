/**
 * The macro bench: what a proxied request costs, of Sluice and of other gateways in front of one upstream.
 * bench/README.md says how and why.
 *
 * Loopback only. Every child is ended by its pid, also on Ctrl-C and on failure.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { ensureServers, type Server } from '../../test/support/runner/servers.ts';
import { openFilesMax, ticksPerSecond } from './accounts/processes.ts';
import { Children, freePort, stopOnSignals, untilReady } from './children.ts';
import { CONTENDER } from './contenders/all.ts';
import { NGINX } from './contenders/nginx.ts';
import { ACCESS_LOG_RATIO, hasAccessLog } from './contenders/sluice.ts';
import { HEAD_BYTES, SMALL_GET } from './load/request.ts';
import { runLoad } from './load/wrk.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { judge, renderVerdicts } from './report/criteria.ts';
import { doubtsOf, renderJson, type Setting } from './report/document.ts';
import { renderOutcome } from './report/tables.ts';
import { type Outcome, runScenario } from './scenarios/outcome.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { chooseCores, type Session } from './session.ts';
import { upstreamCommand } from './upstream.ts';

const TOOLS: readonly Server[] = [NGINX, { binary: 'wrk', debianPackage: 'wrk', neededFor: 'every measurement' }];
const CEILING_SECONDS = 2;

const root = join(import.meta.dirname, '../..');

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function git(...args: readonly string[]): string {
  const { stdout, status } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}

/** How much the upstream can answer by itself. */
async function upstreamCeiling({
  binary,
  folder,
  cores,
  upstreamPort: port,
  signal,
  options,
}: Session): Promise<number> {
  const seconds = options.isSmoke ? 1 : CEILING_SECONDS;
  const load = {
    wrk: binary('wrk'),
    folder,
    cores: cores.load,
    port,
    shape: SMALL_GET,
    connections: 64,
    seconds,
    signal,
  };
  const { requests, durationUs } = await runLoad(load);
  return requests / (durationUs / 1e6);
}

function settingOf({ options, cores }: Session, upstreamRequestsPerSecond: number): Setting {
  return {
    at: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD'),
    isDirty: git('status', '--porcelain', '--', 'src') !== '',
    node: process.version,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    kernel: release(),
    rounds: options.rounds,
    seconds: options.seconds,
    headBytes: HEAD_BYTES,
    openFilesMax: openFilesMax(),
    isPinned: cores.gateway.length > 0,
    accessLogRatio: hasAccessLog() ? ACCESS_LOG_RATIO : 0,
    upstreamRequestsPerSecond,
  };
}

function publish({ json, save }: Options, setting: Setting, outcomes: readonly Outcome[]): void {
  for (const outcome of outcomes) say(`\n${renderOutcome(outcome)}`);
  say(`\n${renderVerdicts(judge(outcomes))}`);
  const doubts = doubtsOf(setting, outcomes);
  if (doubts.length > 0) say(`\nThese verdicts are an indication only: ${doubts.join('; ')}.`);
  const files = [json, save ? join(root, `bench/results/${setting.at.slice(0, 10)}-${setting.commit}.json`) : null];
  for (const file of files) {
    if (file === null) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, renderJson(setting, outcomes));
    say(`written: ${file}`);
  }
}

async function bench(session: Session, scenarios: readonly Scenario[]): Promise<void> {
  const startedAtMs = performance.now();
  await untilReady(session.upstream, `http://127.0.0.1:${session.upstreamPort}/`, session.signal);
  const ceiling = await upstreamCeiling(session);
  const setting = settingOf(session, ceiling);
  say(`${setting.cpu}, Linux ${setting.kernel}, Node ${setting.node}, commit ${setting.commit}`);
  say(`upstream alone: ${ceiling.toFixed(0)} requests/s; ${setting.rounds} rounds of ${setting.seconds} s`);
  const outcomes: Outcome[] = [];
  for (const scenario of scenarios) {
    say(`\n${scenario.name}: ${scenario.title}`);
    outcomes.push(await runScenario(scenario, session));
  }
  publish(session.options, setting, outcomes);
  say(`\ntook ${((performance.now() - startedAtMs) / 60_000).toFixed(1)} minutes`);
}

/** Finds the programs; says which gateways are left out. Null when nothing can be measured. */
function prepare({ scenarios }: Options): { binary: Session['binary']; scenarios: Scenario[] } | null {
  const names = new Set(scenarios.flatMap(({ contenders }) => contenders));
  const needs = [...names].flatMap((name) => CONTENDER[name].needs);
  const { found, missing, lines } = ensureServers([...TOOLS, ...needs]);
  for (const line of lines) say(line);
  if (TOOLS.some(({ binary }) => !found.has(binary))) return null;
  const isThere = (name: Scenario['contenders'][number]): boolean =>
    !CONTENDER[name].needs.some(({ binary }) => missing.some((one) => one.binary === binary));
  return {
    binary: (name) => found.get(name) ?? name,
    scenarios: scenarios
      .map((scenario) => ({ ...scenario, contenders: scenario.contenders.filter(isThere) }))
      .filter(({ contenders }) => contenders.length > 0),
  };
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
  stopOnSignals(abort, children);
  const cores = chooseCores();
  // The bench itself must not disturb the gateway.
  if (cores.load.length > 0) spawnSync('taskset', ['-acp', cores.load.join(','), String(process.pid)]);
  try {
    const upstreamPort = await freePort();
    const upstream = children.start(
      'upstream',
      cores.load,
      upstreamCommand(folder, upstreamPort, prepared.binary('nginx')),
    );
    const session: Session = {
      options,
      folder,
      children,
      binary: prepared.binary,
      cores,
      signal: abort.signal,
      upstreamPort,
      upstream,
      ticksPerSecond: ticksPerSecond(),
      say,
    };
    await bench(session, prepared.scenarios);
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
