/**
 * The edge bench: what TLS, HTTP/2, gRPC and WebSocket cost a gateway, of Sluice and of others in front of the same upstreams.
 * bench/README.md says how and why.
 *
 * Loopback only. Every child is ended by its pid, also on Ctrl-C and on failure.
 */

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureServers, type Server } from '../../test/support/runner/servers.ts';
import { type Cores, readBooks, usageBetween } from '../macro/accounts/accounts.ts';
import { ticksPerSecond } from '../macro/accounts/processes.ts';
import { type Child, Children, freePort, stopOnSignals } from '../macro/children.ts';
import { chooseCores } from '../macro/session.ts';
import { type Certificate, makeCertificate } from './certificate.ts';
import { CONTENDER, type ContenderName, type Place } from './contenders.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { probe, untilSecure } from './probe.ts';
import { judge, type Outcome, renderOutcome, renderVerdicts, type Sample, type Series } from './report.ts';
import type { LoadTerms, Scenario } from './scenarios.ts';
import { grpcMessage, startUpstreams, type Upstreams } from './upstreams.ts';

const TOOLS: readonly Server[] = [
  { binary: 'nginx', debianPackage: 'nginx', neededFor: 'the upstreams, and the measure of all' },
  { binary: 'wrk', debianPackage: 'wrk', neededFor: 'HTTP/1.1' },
  { binary: 'h2load', debianPackage: 'nghttp2-client', neededFor: 'HTTP/2' },
  { binary: 'openssl', debianPackage: 'openssl', neededFor: 'the certificate' },
];
const OTHERS: readonly Server[] = [
  { binary: 'haproxy', debianPackage: 'haproxy', neededFor: 'the comparison with HAProxy' },
  { binary: 'caddy', debianPackage: 'caddy', neededFor: 'the comparison with Caddy' },
];

const root = join(import.meta.dirname, '../..');
/** A smoke test in whose second nobody was answered looks again, longer, up to this: the machine stood still. */
const SMOKE_SECONDS_MAX = 32;

/** A gateway that is up. */
interface Gateway {
  readonly name: ContenderName;
  readonly version: string;
  readonly place: Place;
  readonly child: Child;
}

/** Everything that a run shares. */
interface Session {
  readonly options: Options;
  readonly folder: string;
  readonly call: string;
  readonly children: Children;
  readonly cores: Cores;
  readonly upstreams: Upstreams;
  readonly certificate: Certificate;
  readonly binary: (name: string) => string;
  readonly signal: AbortSignal;
  readonly ticksPerSecond: number;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function startGateway(session: Session, name: ContenderName): Promise<Gateway> {
  const { options, folder, children, cores, upstreams, certificate, binary, signal } = session;
  const place: Place = {
    folder: mkdtempSync(join(folder, `${name}-`)),
    port: await freePort(),
    adminPort: await freePort(),
    upstreams: upstreams.ports,
    certificate,
    checkout: name === 'sluice-before' ? (options.before ?? root) : root,
    binary,
  };
  signal.throwIfAborted();
  const contender = CONTENDER[name];
  const child = children.start(name, cores.gateway, contender.prepare(place));
  await untilSecure(child, place.port, signal);
  await probe(place.port);
  return { name, version: contender.version(place), place, child };
}

function termsOf({ folder, call, cores, binary, signal }: Session, { place }: Gateway, seconds: number): LoadTerms {
  return { folder, call, cores: cores.load, port: place.port, seconds, binary, signal };
}

/** One measurement. @throws Error when an answer was bad */
async function measure(
  scenario: Scenario,
  gateway: Gateway,
  session: Session,
  seconds = session.options.seconds,
): Promise<Sample> {
  const { options, cores, upstreams } = session;
  const parties = { gateway: gateway.child.pid, upstream: upstreams.children[scenario.upstream].pid, load: null };
  const before = readBooks(parties);
  const { units, bad } = await scenario.load(termsOf(session, gateway, seconds));
  const usage = usageBetween(before, readBooks(parties), cores, session.ticksPerSecond);
  const isStill = units + bad === 0 || usage.gatewaySeconds === 0;
  if (isStill && options.isSmoke && seconds < SMOKE_SECONDS_MAX) {
    return measure(scenario, gateway, session, 2 * seconds);
  }
  if (units === 0 || bad > 0) throw new Error(`${units} good and ${bad} bad`);
  return { cpuUs: (usage.gatewaySeconds * 1e6) / units, unitsPerSecond: units / seconds, usage };
}

async function runScenario(scenario: Scenario, gateways: readonly Gateway[], session: Session): Promise<Outcome> {
  const { options, signal } = session;
  const entrants = gateways.map((gateway) => {
    const series: Series = { name: gateway.name, version: gateway.version, refused: null, samples: [] };
    return { gateway, series };
  });
  for (let round = 0; round <= options.rounds; round++) {
    for (const { gateway, series } of entrants) {
      if (series.refused !== null) continue;
      signal.throwIfAborted();
      try {
        if (round > 0) series.samples.push(await measure(scenario, gateway, session));
        else if (options.warmUpSeconds > 0) await scenario.load(termsOf(session, gateway, options.warmUpSeconds));
      } catch (error) {
        signal.throwIfAborted();
        series.refused = error instanceof Error ? error.message : String(error);
      }
      const cpuUs = series.samples.at(-1)?.cpuUs;
      if (round > 0) say(`  round ${round}  ${gateway.name.padEnd(14)} ${series.refused ?? `${cpuUs?.toFixed(1)} us`}`);
    }
  }
  return { scenario, series: entrants.map(({ series }) => series) };
}

async function bench(session: Session): Promise<void> {
  const { options } = session;
  const gateways: Gateway[] = [];
  for (const name of options.contenders) gateways.push(await startGateway(session, name));
  say(`${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}, Linux ${release()}, Node ${process.version}`);
  say(`${options.rounds} rounds of ${options.seconds} s`);
  const outcomes: Outcome[] = [];
  for (const scenario of options.scenarios) {
    say(`\n${scenario.name}: ${scenario.title}`);
    outcomes.push(await runScenario(scenario, gateways, session));
  }
  for (const outcome of outcomes) say(`\n${renderOutcome(outcome)}`);
  const verdicts = judge(outcomes);
  say(`\n${renderVerdicts(verdicts)}`);
  if (options.json !== null) writeFileSync(options.json, `${JSON.stringify({ verdicts, outcomes }, null, 2)}\n`);
}

/** Finds the programs; null when what everything needs is missing. */
function prepare(options: Options): { binary: Session['binary']; options: Options } | null {
  const wanted = OTHERS.filter(({ binary }) => options.contenders.some((name) => name === binary));
  const { found, missing, lines } = ensureServers([...TOOLS, ...wanted]);
  for (const line of lines) say(line);
  if (TOOLS.some(({ binary }) => !found.has(binary))) return null;
  const contenders = options.contenders.filter((name) => !missing.some(({ binary }) => binary === name));
  return { binary: (name) => found.get(name) ?? name, options: { ...options, contenders } };
}

async function main(): Promise<number> {
  const asked = readOptions(process.argv.slice(2));
  if (asked.help) {
    say(USAGE);
    return 0;
  }
  const prepared = prepare(asked);
  if (prepared === null) return 1;
  const { binary, options } = prepared;
  const children = new Children();
  const abort = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-edge-'));
  stopOnSignals(abort, children);
  const cores = chooseCores();
  // The bench itself must not disturb the gateway.
  if (cores.load.length > 0) spawnSync('taskset', ['-acp', cores.load.join(','), String(process.pid)]);
  try {
    const own = join(folder, 'own');
    mkdirSync(own);
    const call = join(own, 'call.bin');
    writeFileSync(call, grpcMessage());
    const certificate = makeCertificate(own, binary('openssl'));
    const upstreams = await startUpstreams(children, cores.load, folder, binary('nginx'));
    const signal = abort.signal;
    await bench({
      ...{ options, folder, call, children, cores, upstreams, certificate, binary, signal },
      ticksPerSecond: ticksPerSecond(),
    });
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
