/**
 * One measurement: a fresh upstream, a fresh gateway, a load; and what came out of it.
 */

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { capacityOf, type Shape } from '../../test/support/simulate/load/shapes.ts';
import { type Books, type Cores, readBooks, usageBetween } from '../macro/accounts/accounts.ts';
import { type Child, type Children, freePort, untilReady } from '../macro/children.ts';
import { CONTENDER, type ContenderName, type Place } from './contenders.ts';
import { type LoadOrder, type LoadPhase, runLoad } from './load.ts';
import type { UpstreamOrder, UpstreamStats } from './upstream-child.ts';

/** What every measurement of a run shares. */
export interface Session {
  readonly folder: string;
  readonly children: Children;
  readonly binary: (name: string) => string;
  readonly cores: Cores;
  readonly signal: AbortSignal;
  readonly ticksPerSecond: number;
}

/** What the clients do. */
export interface Scenario {
  readonly name: string;
  readonly shape: Shape;
  /** Load over what the servers can do, until an instant of the run. */
  readonly phases: readonly { readonly untilMs: number; readonly factor: number }[];
  readonly durationMs: number;
  readonly fromMs: number;
  readonly retries: number;
}

export interface Sample {
  /** Good answers over what the servers could have done. */
  readonly goodput: number;
  /** The same by second of what was measured. */
  readonly goodputBySecond: readonly number[];
  /** Share of each priority that was answered within the objective. */
  readonly good: readonly number[];
  /** Of the whole run, from the cold start on. */
  readonly refused: number;
  readonly broken: number;
  /** Of what was not refused; null for none. */
  readonly p99Ms: number | null;
  /** Requests that came to the upstream over those that clients sent. */
  readonly amplification: number;
  /** Most requests at the upstream at once. */
  readonly presentMax: number;
  /** Of the gateway, as a share of one core. */
  readonly cpuRatio: number;
  readonly lateP99Ms: number | null;
  readonly noiseRatio: number | null;
}

async function startUpstream(session: Session, shape: Shape, seed: number): Promise<{ child: Child; port: number }> {
  const { children, cores, signal } = session;
  const order: UpstreamOrder = { port: await freePort(), shape, seed };
  const script = join(import.meta.dirname, 'upstream-child.ts');
  const child = children.start('upstream', cores.load, [process.execPath, script, JSON.stringify(order)]);
  await untilReady(child, `http://127.0.0.1:${order.port}/stats`, signal);
  return { child, port: order.port };
}

async function startContender(
  session: Session,
  name: ContenderName,
  shape: Shape,
  upstreamPort: number,
): Promise<{ child: Child; place: Place }> {
  const { children, cores, signal, binary, folder } = session;
  const place: Place = {
    folder: mkdtempSync(join(folder, `${name}-`)),
    port: await freePort(),
    adminPort: await freePort(),
    upstreamPort,
    shape,
    binary,
  };
  const child = children.start(name, cores.gateway, CONTENDER[name].prepare(place));
  await untilReady(child, CONTENDER[name].readyUrl(place), signal);
  return { child, place };
}

/** Measures one contender once. @throws when something does not start or the run is stopped */
export async function measure(
  session: Session,
  name: ContenderName,
  scenario: Scenario,
  seed: number,
): Promise<Sample> {
  const { children, cores, signal, ticksPerSecond } = session;
  signal.throwIfAborted();
  const { shape, durationMs, fromMs, retries } = scenario;
  const capacity = capacityOf(shape);
  const upstream = await startUpstream(session, shape, seed);
  const gateway = await startContender(session, name, shape, upstream.port);
  try {
    const phases: LoadPhase[] = scenario.phases.map(({ untilMs, factor }) => ({ untilMs, rate: factor * capacity }));
    const order: LoadOrder = { port: gateway.place.port, phases, durationMs, fromMs, retries, seed };
    const books: Books[] = [];
    const result = await runLoad(children, cores.load, order, () => {
      books.push(readBooks({ gateway: gateway.child.pid, upstream: upstream.child.pid, load: null }));
    });
    const [before, after] = books as [Books, Books];
    const usage = usageBetween(before, after, cores, ticksPerSecond);
    const stats = (await (await fetch(`http://127.0.0.1:${upstream.port}/stats`)).json()) as UpstreamStats;
    const seconds = (durationMs - fromMs) / 1000;
    const sum = (of: (fates: (typeof result.fates)[number]) => number): number =>
      result.fates.reduce((total, fates) => total + of(fates), 0);
    return {
      goodput: sum(({ good }) => good) / (capacity * seconds),
      goodputBySecond: result.goodBySecond.map((count) => count / capacity),
      good: result.fates.map(({ good, arrived }) => good / arrived),
      refused: result.refused,
      broken: sum(({ broken }) => broken),
      p99Ms: result.p99Ms,
      amplification: stats.asked / result.sent,
      presentMax: stats.presentMax,
      cpuRatio: usage.gatewayRatio,
      lateP99Ms: result.lateP99Ms,
      noiseRatio: usage.noiseRatio,
    };
  } finally {
    await children.stop([gateway.child, upstream.child]);
  }
}
