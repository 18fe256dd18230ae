/**
 * Composition root of the control plane: configuration ▸ store ▸ workers, tallies ▸ controller ▸ dials, admin on top.
 *
 * The only place that knows every section of the ring. It holds no policy: each step is a function of the section's own.
 */

import { randomInt } from 'node:crypto';
import type { Phase } from './admin/checks.ts';
import type { AdminServer } from './admin/server.ts';
import { hashOfVariable } from './admin/token.ts';
import { type Insight, openAdmin } from './compose/admin.ts';
import { ConfigLog } from './compose/config/config-log.ts';
import { Configuration } from './compose/config/configuration.ts';
import { Revisions } from './compose/config/revisions/revisions.ts';
import { Durable, type Suspended } from './compose/durable.ts';
import { Ending } from './compose/handover/ending.ts';
import { Restart } from './compose/handover/restart.ts';
import { Keys } from './compose/keys.ts';
import { Loop } from './compose/loop.ts';
import { Drifts } from './compose/objectives/drifts.ts';
import { Objectives } from './compose/objectives/objectives.ts';
import { largerShares } from './compose/objectives/strains.ts';
import { Rollouts } from './compose/rollouts.ts';
import { createHealth, Tls } from './compose/tls.ts';
import { type Follower, Followers } from './compose/watches/followers.ts';
import { Watches } from './compose/watches/watches.ts';
import { createWorkers } from './compose/workers.ts';
import { AccessLogWriter } from './export/requests/access-log.ts';
import { planOf } from './health/plan.ts';
import { nowMs, wallTime } from './lib/clock.ts';
import { createLog, type Log, type LogLevel } from './lib/log.ts';
import { Random } from './lib/random.ts';
import { startResting } from './lib/threads/rest.ts';
import { every } from './lib/threads/ticker.ts';
import type { Gateway, GatewayOptions } from './model/gateway.ts';
import { SluiceError } from './model/problem.ts';
import type { RestartAnswer } from './model/threads/handover.ts';
import type { Workers } from './proxy/threads/workers.ts';
import { EndpointTotalsReader } from './slo/totals/endpoint-totals.ts';
import { Totals } from './slo/totals/totals.ts';
import { createDials, type Dials } from './snapshot/dials.ts';
import { createEndpointDials } from './snapshot/endpoint-dials.ts';
import { createLatencyDials } from './snapshot/latency-dials.ts';
import { needsRestart } from './snapshot/restart.ts';
import { type Current, type OfferResult, Store } from './snapshot/store.ts';

const TURN_MS = 100;
const FLUSH_MS = 1000;

/** What the gateway tells about its release; `main.ts` reads it from package.json. */
export interface Release {
  readonly version: string;
}

/**
 * Starts a gateway and resolves when every worker listens.
 * @throws SluiceError SLU_CONFIG_UNREADABLE, SLU_CONFIG_INVALID (with all problems), SLU_PORT_IN_USE,
 * SLU_LISTEN_FAILED, SLU_WORKER_FAILED, SLU_SOURCE_UNAVAILABLE, SLU_RESTART_FAILED, SLU_USAGE (SLUICE_ADMIN_TOKEN is no
 * token). Nothing stays open then, and a gateway that was to be taken over from is told why.
 */
export async function startGateway(options: GatewayOptions, release: Release): Promise<Gateway> {
  const plane = new ControlPlane(options, release);
  try {
    await plane.start();
  } catch (error) {
    await plane.giveUp(error);
    throw error;
  }
  return plane;
}

class ControlPlane implements Gateway {
  readonly #options: GatewayOptions;
  readonly #release: Release;
  readonly #log: Log;
  readonly #configLog: ConfigLog;
  readonly #accessLog: AccessLogWriter;
  readonly #dials: Dials = createDials();
  readonly #store: Store;
  readonly #revisions: Revisions;
  readonly #configuration: Configuration;
  readonly #totals = new Totals();
  readonly #endpointTotals = new EndpointTotalsReader();
  readonly #rollouts: Rollouts;
  readonly #objectives: Objectives;
  readonly #drifts: Drifts;
  readonly #durable: Durable;
  readonly #endpointDials = createEndpointDials();
  readonly #latencyDials = createLatencyDials();
  readonly #keys: Keys;
  readonly #tls: Tls;
  readonly #health: ReturnType<typeof createHealth>;
  readonly #restart: Restart;
  readonly #watches: Watches;
  readonly #followers: Followers;
  readonly #loop: Loop;
  readonly #since = { wall: wallTime(), ms: nowMs() };
  #tokenHash: string | null = null;
  #workers: Workers | null = null;
  #admin: AdminServer | null = null;
  #stopTurning: (() => void) | null = null;
  #tickedAtMs = nowMs();
  #phase: Phase = 'starting';
  readonly #ending: Ending;
  proxyUrls: readonly string[] = [];
  adminUrl = '';
  configHash = '';

  constructor(options: GatewayOptions, release: Release) {
    this.#options = options;
    this.#release = release;
    this.#log = createLog({ level: options.logLevel as LogLevel });
    this.#configLog = new ConfigLog(this.#log, options.configFile, () => this.#revisions.number);
    this.#accessLog = new AccessLogWriter({ log: this.#log });
    const counted = { totals: this.#totals, endpointTotals: this.#endpointTotals };
    const parts = { healthOf: (id: number) => this.#health.of(id), logMore: () => this.#logMore() };
    const broken = (source: string, error: unknown): void => this.#watches.defects.note('objectives', error, source);
    this.#objectives = new Objectives({ log: this.#log, dials: this.#dials, ...counted, ...parts, broken });
    this.#store = new Store({
      file: options.configFile,
      dials: this.#dials,
      wallTime,
      mayRecycle: (candidate) => this.#workers?.isUnused(candidate) === true,
    });
    const own = { log: this.#log, store: this.#store, workers: () => this.#workers, insight: () => this.#insight };
    this.#watches = new Watches({ ...own, release, environment: process.env });
    this.#revisions = new Revisions({
      store: this.#store,
      totals: this.#totals,
      log: this.#log,
      release: release.version,
      apply: (result) => this.#apply(result),
      durable: () => this.#durable,
      isHeld: () => this.#restart.isHeld,
    });
    this.#configuration = new Configuration({
      ...{ options, release: release.version, environment: process.env },
      log: this.#log,
      store: this.#revisions,
      random: new Random(randomInt(2 ** 31)),
      apply: (result) => this.#apply(result),
      save: (rows) => this.#durable.keep(rows),
      isHeld: () => this.#restart.isHandingOver,
    });
    this.#durable = new Durable({
      log: this.#log,
      slos: this.#objectives.slos,
      rollouts: () => this.#rollouts,
      keepers: () => [this.#drifts, this.#revisions, ...this.#configuration.keepers, ...this.#watches.keepers],
      look: () => this.#objectives.look(this.#workers?.regions() ?? [], true),
      defects: this.#watches.defects,
    });
    this.#keys = new Keys({
      log: this.#log,
      random: new Random(randomInt(2 ** 31)),
      environment: process.env,
      teach: (keys) => this.#workers?.learn(keys),
    });
    this.#tls = new Tls({ log: this.#log, teach: (material) => this.#workers?.secure(material) });
    this.#health = createHealth(this.#tls, this.#endpointDials);
    this.#drifts = new Drifts({ ...own, dials: this.#dials, logMore: parts.logMore, save: this.#durable.keep });
    this.#rollouts = new Rollouts({
      regions: () => this.#workers?.regions() ?? [],
      rates: () => this.#workers?.commons.rates ?? null,
      ...own,
      dials: this.#dials,
      latencyDials: this.#latencyDials,
      slos: this.#objectives.slos,
      tapes: (segment) => this.#durable.keepSegment(segment),
      explain: this.#objectives.explain,
      started: ({ route, by, reason }) => void this.#drifts.restore(route, by, reason),
      isHeld: () => this.#restart.isHeld,
      defects: this.#watches.defects,
      decided: this.#watches.tracing.noting(this.#durable.decided),
    });
    this.#followers = new Followers(this.#watches.defects, this.#parts);
    this.#loop = new Loop(this.#insight);
    this.#restart = new Restart({
      ...{ log: this.#log, env: process.env, options },
      save: (directory) => this.#save(directory),
      tickets: () => this.#tls.tickets,
      resume: () => this.#durable.resume(),
      leave: () => this.#leave(),
      ended: () => this.#ending.drainAside('end the process by SIGTERM'),
    });
    this.#ending = this.#createEnding();
  }

  #createEnding(): Ending {
    return new Ending({
      ...{ log: this.#log, restart: this.#restart, configuration: this.#configuration },
      workers: () => this.#workers,
      limits: () => this.#store.current?.config.drain ?? { delayMs: 0, timeoutMs: 0 },
      begun: (phase) => {
        this.#phase = phase;
      },
      close: () => this.close(),
    });
  }

  get closed(): Promise<number> {
    return this.#ending.closed;
  }

  /** What the admin port is shown; the gateway's own parts, which it only looks at. */
  get #insight(): Insight {
    return {
      release: this.#release,
      since: this.#since,
      store: this.#store,
      revisions: this.#revisions,
      configuration: this.#configuration,
      dials: this.#dials,
      totals: this.#totals,
      endpointTotals: this.#endpointTotals,
      health: this.#health,
      objectives: this.#objectives,
      rollouts: this.#rollouts,
      drifts: this.#drifts,
      durable: this.#durable,
      accessLog: this.#accessLog,
      watches: this.#watches,
      log: this.#log,
      tokenHash: this.#tokenHash,
      workers: () => this.#workers?.status() ?? [],
      ratesForgotten: () => this.#workers?.commons.ratesForgotten() ?? 0,
      samplesLost: () => this.#workers?.commons.samplesLost() ?? 0,
      downstream: () => this.#workers?.commons.downstream ?? null,
      phase: () => this.#phase,
      restart: () => this.#restart.status(),
      isHeld: () => this.#restart.isHeld,
      restartNow: (by) => this.restart(by),
      reload: () => this.reload(),
      drain: () => this.#ending.drainAside('end the process by SIGTERM'),
      exportedLog: () => this.#durable.exported(this.#rollouts.decisions),
      tickedAtMs: () => this.#tickedAtMs,
      tls: this.#tls,
      proxyUrls: () => this.proxyUrls,
      adminUrl: () => this.adminUrl,
    };
  }

  async start(): Promise<void> {
    this.#tokenHash = hashOfVariable('SLUICE_ADMIN_TOKEN', process.env['SLUICE_ADMIN_TOKEN']);
    const first = await this.#configuration.open();
    if (first.kind === 'refused') {
      const message = `${this.#options.configFile} has ${first.problems.length} problem(s)`;
      throw new SluiceError('SLU_CONFIG_INVALID', message, { problems: first.problems });
    }
    const { config } = first.current;
    this.#tls.follow(config);
    this.#watches.prepare(config);
    this.#workers = await this.#createWorkers(first.current);
    if (this.#restart.isHeir) await this.#workers.prepare();
    const given = await this.#restart.take(config.state.directory);
    if (this.#restart.isHeir) this.#phase = 'taking';
    if (this.#restart.isHeir) this.#options.committed?.(this);
    this.#tls.adopt(given.tickets);
    const passed = await this.#durable.open(config.state.directory, given);
    this.#followers.take(first.current, null, nowMs());
    this.#durable.restore(passed);
    await Promise.all([this.#keys.ready(), this.#revisions.ready, this.#configuration.confirm()]);
    await this.#configuration.follow();
    const current = this.#store.current as Current;
    this.configHash = current.snapshot.hash;
    this.#admin = await openAdmin(this.#insight, config.admin, this.#restart.adminFd);
    this.adminUrl = this.#admin.url;
    await this.#rollouts.join(config.fleet, () => this.adminUrl, this.#configuration.locksOf(config.fleet));
    this.#logMore();
    this.#options.committed?.(this);
    this.proxyUrls = this.#tls.urls(await this.#workers.start());
    this.#stopTurning = every(TURN_MS, () => this.#turn(), true);
    this.#phase = 'serving';
    this.#watches.defects.begin();
    startResting();
    await this.#restart.serving();
    this.#ending.served();
    this.#configLog.warnOf(first.warnings);
    this.#log.info('serving', { proxy: this.proxyUrls[0], admin: this.adminUrl, ...this.#configLog.fieldsOf(current) });
  }

  /** Lets go of everything that a start has begun, and tells whoever waits for it. */
  async giveUp(error: unknown): Promise<void> {
    await this.#restart.failed(error);
    await this.close();
  }

  reload(): void {
    this.#configuration.reload();
    this.#tls.reload();
  }

  restart(by: string): RestartAnswer {
    const open = { proxy: this.#workers?.sockets() ?? null, admin: this.#admin?.fd ?? null };
    return this.#restart.begin(by, this.#phase === 'serving' ? open : null);
  }

  defect(error: unknown, origin: string): void {
    this.#watches.defects.note('elsewhere', error, origin);
  }

  drain(): Promise<void> {
    return this.#ending.drain();
  }

  /** Lets go of everything. Idempotent. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    this.#stopTurning?.();
    await this.#configuration.close();
    this.#health.close();
    this.#watches.close();
    this.#keys.close();
    this.#tls.close();
    await this.#workers?.stop();
    await this.#watches.end();
    await this.#admin?.close();
    await this.#rollouts.fleet.close();
    await this.#durable.close();
    this.#restart.close();
    await this.#accessLog.flush(FLUSH_MS);
    await this.#log.flush(FLUSH_MS);
  }

  async #createWorkers({ config, snapshot }: Current): Promise<Workers> {
    const { warnings, ...listening } = await this.#restart.planListening(config);
    this.#configLog.warn(warnings);
    const dials = { dials: this.#dials.buffer, endpointDials: this.#endpointDials.buffer };
    const { standings } = this.#objectives.shedding;
    const memory = { ...dials, latencyDials: this.#latencyDials.buffer, standings: standings.buffer };
    const parts = { log: this.#log, accessLog: this.#accessLog, keys: this.#keys, watches: this.#watches };
    const own = { tls: this.#tls.material, died: (id: number): void => this.#restart.crippled(id) };
    return createWorkers({ listening, memory, snapshot, ...own, ...parts });
  }

  /** Resolves when every worker has what came of an offer. */
  async #apply(result: OfferResult): Promise<void> {
    this.#configLog.offered(result);
    if (result.kind !== 'swapped') return;
    const { contain } = this.#watches.defects;
    const { current, before } = result;
    for (const { id } of result.recycled.filter(({ table }) => table === 'cells')) {
      contain('counts', () => this.#totals.forget(id));
      contain('counts', () => this.#workers?.commons.forget(id));
    }
    this.#followers.take(current, before, nowMs());
    contain('configuration', () => this.#configLog.warn(needsRestart((before ?? current).config, current.config)));
    await this.#workers?.swap(current.snapshot);
    this.#configLog.live(current);
    this.#revisions.applied();
  }

  /** Who takes in each configuration, in this order. */
  get #parts(): readonly Follower[] {
    return [
      ['configuration', ({ config }) => this.#watches.follow(config)],
      ['configuration', ({ config }) => this.#keys.follow(config.color)],
      ['configuration', ({ config }) => this.#tls.follow(config)],
      ['revisions', (current, before) => this.#revisions.watch.follow(current, before)],
      ['rollouts', (current) => this.#rollouts.follow(current)],
      ['drifts', (current) => this.#drifts.follow(current)],
      ['objectives', (current) => this.#objectives.follow(current)],
      ['endpoints', ({ config, snapshot }) => this.#health.follow(planOf(config, snapshot), this.#phase === 'serving')],
    ];
  }

  /** Of whose requests the access log writes more. */
  #logMore(): void {
    this.#workers?.logMore(largerShares(this.#drifts.logged, this.#objectives.strains.logged));
  }

  #turn(): void {
    this.#tickedAtMs = nowMs();
    if (this.#restart.isHeld) return;
    this.#configuration.catchUp();
    this.#followers.turn(this.#tickedAtMs);
    this.#decide();
  }

  #decide(isLast = false): void {
    this.#loop.turn(this.#workers?.regions() ?? [], this.#tickedAtMs, isLast);
  }

  /** The last turn of the loop here, as far as anybody knows; requests go on at the weights in force. */
  #save(stateDirectory: string | null): Promise<Suspended> {
    this.#decide(true);
    return this.#durable.suspend(stateDirectory);
  }

  /** Another process accepts, and may lead: ours are told to come back with their next answer, and have it there. */
  #leave(): void {
    this.#workers?.leave();
    for (const held of [this.#admin, this.#rollouts.fleet]) void held?.close();
    this.#ending.leave();
  }
}
