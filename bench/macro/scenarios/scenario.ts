/**
 * What can be measured: the table of scenarios.
 */

import type { ContenderName, Setup } from '../contenders/contender.ts';
import { PLAIN } from '../contenders/contender.ts';
import { type Shape, SMALL_GET } from '../load/request.ts';
import { BODY_PATH, LARGE_PATH, MIB } from '../upstream.ts';

/** One configuration that every gateway is measured in; several stand against one another. */
export interface Variant {
  /** Empty for the only one. */
  readonly label: string;
  readonly setup: Setup;
}

interface Common {
  readonly name: string;
  readonly title: string;
  /** Gateways that take part unless `--only` names others. */
  readonly contenders: readonly ContenderName[];
}

/** As fast as the gateway answers, over a fixed number of connections: CPU per request. */
export interface ClosedScenario extends Common {
  readonly kind: 'closed';
  readonly shape: Shape;
  readonly connections: number;
  /** What the CPU time is divided by. */
  readonly unit: 'request' | 'MiB';
  readonly variants: readonly Variant[];
  /** Only threads whose names begin so are counted: those that serve, not the one that controls. */
  readonly threads?: string;
  /** Gateways get both cores, for several workers. */
  readonly isOnBothCores: boolean;
}

/** At a rate that nobody's answers change: latency. */
export interface LatencyScenario extends Common {
  readonly kind: 'latency';
  readonly connections: number;
}

/** Connections that do nothing: memory. */
export interface IdleScenario extends Common {
  readonly kind: 'idle';
  readonly connections: number;
}

/** What was measured of one gateway, one sample per round. */
export interface Series<S> {
  readonly name: string;
  readonly version: string;
  /** Label of the variant; empty for the only one. */
  readonly variant: string;
  /** Why it was not measured to the end, or null. Its samples do not count then. */
  readonly refused: string | null;
  readonly samples: readonly S[];
}

/** A gateway, or none, that takes its turns. */
export interface Turns<S> {
  readonly name: string;
  readonly samples: S[];
  refused: string | null;
}

export type Scenario = ClosedScenario | LatencyScenario | IdleScenario;

const EVERYBODY: readonly ContenderName[] = [
  'nginx',
  'haproxy',
  'caddy',
  'sluice',
  'node-undici',
  'http-proxy-3',
  'fastify',
];
const TUNABLE: readonly ContenderName[] = ['nginx', 'haproxy', 'sluice'];

const ONE: readonly Variant[] = [{ label: '', setup: PLAIN }];

/** A closed loop of small requests; the rest says what is different. */
function closed(name: string, title: string, more: Partial<ClosedScenario> = {}): ClosedScenario {
  return {
    kind: 'closed',
    name,
    title,
    contenders: EVERYBODY,
    shape: SMALL_GET,
    connections: 64,
    unit: 'request',
    variants: ONE,
    isOnBothCores: false,
    ...more,
  };
}

/** A request with a body; the upstream reads it all before it answers. */
function posting(bodyBytes: number): Shape {
  return { ...SMALL_GET, method: 'POST', path: BODY_PATH, bodyBytes };
}

function withRoutes(routes: number): Variant {
  return { label: `${routes.toLocaleString('en')} routes`, setup: { ...PLAIN, routes } };
}

function judging(judged: number): Variant {
  return { label: `${judged} judged`, setup: { ...PLAIN, routes: 500, judged } };
}

/** Every scenario, in the order in which `all` runs them. */
export const SCENARIOS: readonly Scenario[] = [
  closed('small-get', 'small GET, 64 connections'),
  closed('json-post', '4 KiB JSON POST, 64 connections', { shape: posting(4_096) }),
  closed('large-response', '1 MiB response, 16 connections', {
    shape: { ...SMALL_GET, path: LARGE_PATH },
    connections: 16,
    unit: 'MiB',
  }),
  closed('large-upload', '1 MiB upload, 16 connections', { shape: posting(MIB), connections: 16, unit: 'MiB' }),
  closed('connections-1', 'small GET, 1 connection', { connections: 1 }),
  closed('connections-256', 'small GET, 256 connections', { connections: 256 }),
  closed('connections-4096', 'small GET, 4,096 connections', { connections: 4_096 }),
  closed('new-connection', 'small GET, a new connection for each, 64 at a time', {
    shape: { ...SMALL_GET, isLast: true },
  }),
  closed('routes', 'small GET over 10 and 10,000 routes, 64 connections', {
    contenders: TUNABLE,
    variants: [withRoutes(10), withRoutes(10_000)],
  }),
  closed('judged', 'small GET over 500 routes, of which 0, 1 and 500 have a canary under judgement: workers only', {
    contenders: ['sluice'],
    variants: [judging(0), judging(1), judging(500)],
    threads: 'sluice-worker',
    isOnBothCores: true,
  }),
  closed('workers', 'small GET, 1 and 2 workers on both cores, 64 connections', {
    contenders: TUNABLE,
    variants: [
      { label: '1 worker', setup: PLAIN },
      { label: '2 workers', setup: { ...PLAIN, workers: 2 } },
    ],
    isOnBothCores: true,
  }),
  {
    kind: 'latency',
    name: 'latency',
    title: 'small GET at a fixed open-loop rate, 256 connections',
    contenders: EVERYBODY,
    connections: 256,
  },
  {
    kind: 'idle',
    name: 'idle',
    title: 'idle keep-alive connections, 10,000',
    contenders: EVERYBODY,
    connections: 10_000,
  },
];

/** What plain `npm run bench` runs: what the criteria need, with the gateways they need. */
const HEADLINE: Readonly<Record<string, readonly ContenderName[]>> = {
  'small-get': EVERYBODY,
  'large-response': TUNABLE,
  'large-upload': TUNABLE,
  routes: ['sluice'],
  latency: TUNABLE,
  idle: TUNABLE,
};

/**
 * Does something for an entrant that has not been refused. When it fails (the gateway does not start, answers badly) the
 * entrant is refused: failing fast is not being fast. It takes no further turns; the others go on.
 * @returns what the work gave; null for a refused entrant
 * @throws when the run is stopped
 */
export async function attempt<T>(
  entrant: Turns<unknown>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T | null> {
  signal.throwIfAborted();
  if (entrant.refused !== null) return null;
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    entrant.refused = error instanceof Error ? error.message : String(error);
    return null;
  }
}

/** One measurement of an entrant, kept as a sample; null when it is or was refused. @throws when the run is stopped */
export async function takeTurn<S>(
  entrant: Turns<S>,
  signal: AbortSignal,
  measure: () => Promise<S>,
): Promise<S | null> {
  const sample = await attempt(entrant, signal, measure);
  if (sample !== null) entrant.samples.push(sample);
  return sample;
}

/** Scenarios by name, `headline` or `all`. @throws Error that names what is unknown */
export function chooseScenarios(names: readonly string[]): Scenario[] {
  const known = [...SCENARIOS.map(({ name }) => name), 'headline', 'all'];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new Error(`--scenario: expected some of ${known.join(', ')}, got ${unknown.join(', ')}`);
  return SCENARIOS.flatMap((scenario): Scenario[] => {
    if (names.includes('all') || names.includes(scenario.name)) return [scenario];
    const contenders = names.includes('headline') ? HEADLINE[scenario.name] : undefined;
    return contenders === undefined ? [] : [{ ...scenario, contenders }];
  });
}
