/**
 * Runs the idle scenario: resident memory of a gateway with many idle keep-alive connections, over what it had before them.
 *
 * Every round starts the gateway afresh, because memory that was once used is not given back. It is warmed up first, so
 * that compiled code and first buffers count as baseline; each connection has had one request answered before it idles.
 */

import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openFilesMax, residentKib } from '../accounts/processes.ts';
import type { Child } from '../children.ts';
import { CONTENDER } from '../contenders/all.ts';
import { type Contender, type ContenderName, PLAIN } from '../contenders/contender.ts';
import { SMALL_GET } from '../load/request.ts';
import { warmUp } from '../load/wrk.ts';
import { type Gateway, type Session, startGateway } from '../session.ts';
import { type IdleScenario, type Series, type Turns, takeTurn } from './scenario.ts';

/** What a process needs descriptors for besides the connections: programs, logs, the upstream's side. */
const SPARE_FILES = 2_000;
const WARM_UP_CONNECTIONS = 64;
/** Memory is read when garbage collectors have had time to come to rest. */
const REST_MS = 3_000;
const HOLD_WAIT_MS = 60_000;
/** Memory varies little from round to round, and every round starts all gateways. */
const ROUNDS_MAX = 3;

export interface IdleSample {
  readonly connections: number;
  readonly baselineKib: number;
  readonly heldKib: number;
  /** Resident memory per connection over the baseline. */
  readonly kibPerConnection: number;
}

/** As many connections as wanted, or as the limit on open files leaves. */
export function affordableConnections(wanted: number, filesMax: number): number {
  return Math.max(1, Math.min(wanted, filesMax - SPARE_FILES));
}

/** @throws when baseline and reading make no sense together */
export function idleSample(connections: number, baselineKib: number, heldKib: number): IdleSample {
  if (!(baselineKib > 0 && heldKib > 0)) throw new Error(`resident memory of ${baselineKib} and then ${heldKib} KiB`);
  return { connections, baselineKib, heldKib, kibPerConnection: (heldKib - baselineKib) / connections };
}

/** Waits until the child says that it holds all connections. @throws with its output when it ends first or takes too long */
async function untilHeld(child: Child, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; waitedMs < HOLD_WAIT_MS; waitedMs += 50) {
    if (child.output().includes('held')) return;
    if (child.process.exitCode !== null) break;
    await sleep(50, undefined, { signal });
  }
  throw new Error(`connections could not be held:\n${child.output()}`);
}

async function measure(contender: Contender, connections: number, session: Session): Promise<IdleSample> {
  const gateway = await startGateway(session, contender, PLAIN);
  const started = [gateway.child];
  try {
    return await measureStarted(gateway, connections, session, started);
  } finally {
    await session.children.stop(started);
  }
}

async function measureStarted(
  { contender, child, place: { port } }: Gateway,
  connections: number,
  session: Session,
  started: Child[],
): Promise<IdleSample> {
  const { children, cores, folder, options, signal } = session;
  const load = { wrk: session.binary('wrk'), folder, cores: cores.load, port, shape: SMALL_GET, signal };
  await warmUp({ ...load, connections: WARM_UP_CONNECTIONS, seconds: options.warmUpSeconds });
  const restMs = options.isSmoke ? 0 : REST_MS;
  await sleep(restMs, undefined, { signal });
  const baselineKib = residentKib(child.pid);
  const script = join(import.meta.dirname, '../load/idle-child.ts');
  const holder = children.start('idle', cores.load, [process.execPath, script, String(port), String(connections)]);
  started.push(holder);
  await untilHeld(holder, signal);
  await sleep(restMs, undefined, { signal });
  const heldKib = residentKib(child.pid);
  if (holder.process.exitCode !== null) throw new Error(`${contender.name} ended idle connections: ${holder.output()}`);
  return idleSample(connections, baselineKib, heldKib);
}

/** A gateway that takes its turns. */
interface Entrant extends Turns<IdleSample> {
  readonly name: ContenderName;
}

/** Runs the scenario. @throws when the run is stopped */
export async function runIdle(scenario: IdleScenario, session: Session): Promise<Series<IdleSample>[]> {
  const { options, say } = session;
  const connections = affordableConnections(options.isSmoke ? 100 : scenario.connections, openFilesMax());
  if (!options.isSmoke && connections < scenario.connections) {
    say(
      `note: at most ${openFilesMax()} open files: ${connections} idle connections instead of ${scenario.connections}`,
    );
  }
  const entrants = scenario.contenders.map((name): Entrant => ({ name, samples: [], refused: null }));
  for (let round = 1; round <= Math.min(options.rounds, ROUNDS_MAX); round++) {
    for (const entrant of entrants) {
      const turn = (): Promise<IdleSample> => measure(CONTENDER[entrant.name], connections, session);
      const sample = await takeTurn(entrant, session.signal, turn);
      if (sample === null) continue;
      say(`  round ${round}  ${entrant.name.padEnd(22)} ${sample.kibPerConnection.toFixed(1)} KiB per connection`);
    }
  }
  return entrants.map((entrant) => ({
    ...entrant,
    version: CONTENDER[entrant.name].version(session.binary),
    variant: '',
  }));
}
