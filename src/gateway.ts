/**
 * Composition root of the control plane: configuration ▸ store ▸ workers, tallies ▸ controller ▸ dials, admin on top.
 *
 * The only place that knows every section of the ring. It holds no policy: each step is a function of the section's own.
 */

import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AdminServer } from './admin/server.ts';
import { hashOfVariable } from './admin/token.ts';
import { type Insight, openAdmin } from './compose/admin.ts';
import { Attribution } from './compose/breaches.ts';
import { createConfigTools } from './compose/config/config-tools.ts';
import { Configuration } from './compose/config/configuration.ts';
import { Revisions } from './compose/config/revisions.ts';
import { Drifts } from './compose/drifts.ts';
import { Durable } from './compose/durable.ts';
import { Restart } from './compose/handover/restart.ts';
import { Keys } from './compose/keys.ts';
import { Rollouts } from './compose/rollouts.ts';
import { createWorkers } from './compose/workers.ts';
import { AccessLogWriter } from './export/access-log.ts';
import { startProbe } from './health/checks/probe.ts';
import { Health } from './health/health.ts';
import { planOf } from './health/plan.ts';
import { bothClocks, nowMs, wallTime } from './lib/clock.ts';
import { createLog, type Log, type LogLevel } from './lib/log.ts';
import { Random } from './lib/random.ts';
import type { Gateway, GatewayOptions } from './model/gateway.ts';
import { formatProblem, SluiceError } from './model/problem.ts';
import type { RestartAnswer } from './model/threads/handover.ts';
import type { LoadedState } from './model/threads/state.ts';
import type { Region, Workers } from './proxy/threads/workers.ts';
import { urlOf } from './proxy/wire/port.ts';
import { SloEngine } from './slo/budget/engine.ts';
import { EndpointTotalsReader } from './slo/endpoint-totals.ts';
import { Totals } from './slo/totals.ts';
import { createDials, type Dials } from './snapshot/dials.ts';
import { createEndpointDials, setCapacity } from './snapshot/endpoint-dials.ts';
import { createLatencyDials } from './snapshot/latency-dials.ts';
import { objectivesOf } from './snapshot/objectives.ts';
import { needsRestart } from './snapshot/restart.ts';
import { type Current, type OfferResult, Store } from './snapshot/store.ts';

const TICK_MS = 100;
/** Routes whose totals are taken each tick: 10,000 in 100 s, long before a counter can wrap. */
const ROUTES_PER_TICK = 10;
const FLUSH_MS = 1000;

/** What the gateway tells about its release; `main.ts` reads it from package.json. */
export interface Release {
  readonly version: string;
}

/** What the command line needs to look at documents without starting anything. */
export const configTools = createConfigTools(process.env);
export { logTools } from './compose/log-tools.ts';

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
  readonly #accessLog: AccessLogWriter;
  readonly #dials: Dials = createDials();
  readonly #store: Store;
  readonly #revisions: Revisions;
  readonly #configuration: Configuration;
  readonly #totals = new Totals();
  readonly #endpointTotals = new EndpointTotalsReader();
  readonly #rollouts: Rollouts;
  readonly #slos = new SloEngine();
  readonly #attribution = new Attribution(this.#totals, this.#endpointTotals);
  readonly #drifts: Drifts;
  readonly #durable: Durable;
  readonly #endpointDials = createEndpointDials();
  readonly #latencyDials = createLatencyDials();
  readonly #keys: Keys;
  readonly #health = new Health({
    random: new Random(randomInt(2 ** 31)),
    nowMs,
    setCapacity: (endpoint, capacity) => setCapacity(this.#endpointDials, endpoint, capacity),
    startProbe,
  });
  readonly #restart: Restart;
  readonly #since = { wall: wallTime(), ms: nowMs() };
  #workers: Workers | null = null;
  #admin: AdminServer | null = null;
  #tick: NodeJS.Timeout | null = null;
  #tickedAtMs = nowMs();
  #phase: 'starting' | 'serving' | 'draining' | 'closed' = 'starting';
  #draining: Promise<void> | null = null;
  readonly #end = Promise.withResolvers<number>();
  readonly closed = this.#end.promise;
  proxyUrl = '';
  adminUrl = '';
  configHash = '';

  constructor(options: GatewayOptions, release: Release) {
    this.#options = options;
    this.#release = release;
    this.#log = createLog({ level: options.logLevel as LogLevel });
    this.#accessLog = new AccessLogWriter({ log: this.#log });
    this.#store = new Store({
      file: options.configFile,
      dials: this.#dials,
      wallTime,
      mayRecycle: (candidate) => this.#workers?.isUnused(candidate) === true,
    });
    this.#revisions = new Revisions({
      store: this.#store,
      totals: this.#totals,
      log: this.#log,
      release: release.version,
      apply: (result) => this.#apply(result),
      save: (rows) => this.#durable.keep(rows),
    });
    this.#configuration = new Configuration({
      file: options.configFile,
      environment: process.env,
      log: this.#log,
      store: this.#revisions,
      random: new Random(randomInt(2 ** 31)),
      apply: (result) => this.#apply(result),
    });
    this.#durable = new Durable({
      log: this.#log,
      slos: this.#slos,
      rollouts: () => this.#rollouts,
      keepers: () => [this.#drifts, this.#revisions],
      look: () => this.#look(true),
    });
    this.#keys = new Keys({
      log: this.#log,
      random: new Random(randomInt(2 ** 31)),
      environment: process.env,
      teach: (keys) => this.#workers?.learn(keys),
    });
    this.#drifts = new Drifts({
      dials: this.#dials,
      store: this.#store,
      log: this.#log,
      logMore: (shares) => this.#workers?.logMore(shares),
      save: this.#durable.keep,
    });
    this.#rollouts = new Rollouts({
      regions: () => this.#workers?.regions() ?? [],
      dials: this.#dials,
      latencyDials: this.#latencyDials,
      store: this.#store,
      slos: this.#slos,
      log: this.#log,
      tapes: (segment) => this.#durable.keepSegment(segment),
      explain: this.#attribution.explain,
      decided: this.#durable.decided,
    });
    this.#restart = new Restart({
      log: this.#log,
      env: process.env,
      options,
      save: (directory) => this.#save(directory),
      resume: () => this.#durable.resume(),
      leave: () => this.#leave(),
    });
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
      slos: this.#slos,
      rollouts: this.#rollouts,
      drifts: this.#drifts,
      durable: this.#durable,
      accessLog: this.#accessLog,
      log: this.#log,
      tokenHash: hashOfVariable('SLUICE_ADMIN_TOKEN', process.env['SLUICE_ADMIN_TOKEN']),
      workers: () => this.#workers?.status() ?? [],
      ratesForgotten: () => this.#workers?.ratesForgotten() ?? 0,
      phase: () => this.#phase,
      restart: () => this.#restart.status(),
      isHeld: () => this.#restart.isHeld,
      restartNow: (by) => this.restart(by),
      exportedLog: () => this.#durable.exported(this.#rollouts.decisions),
      tickedAtMs: () => this.#tickedAtMs,
      proxyUrl: () => this.proxyUrl,
    };
  }

  async start(): Promise<void> {
    const first = await this.#configuration.open();
    if (first.kind === 'refused') {
      const message = `${this.#options.configFile} has ${first.problems.length} problem(s)`;
      throw new SluiceError('SLU_CONFIG_INVALID', message, { problems: first.problems });
    }
    const { config } = first.current;
    this.#workers = await this.#createWorkers(first.current);
    if (this.#restart.isHeir) await this.#workers.prepare();
    const given = await this.#restart.take(config.state.directory);
    await this.#durable.open(config.state.directory);
    this.#follow(first.current);
    this.#durable.restore(given);
    await Promise.all([this.#keys.ready(), this.#revisions.ready]);
    const current = this.#store.current as Current;
    this.configHash = current.snapshot.hash;
    this.#admin = await openAdmin(this.#insight, config.admin, this.#restart.adminFd(config.admin));
    this.adminUrl = this.#admin.url;
    await this.#rollouts.join(config.fleet, () => this.adminUrl);
    this.#workers.logMore(this.#drifts.logged);
    this.proxyUrl = urlOf(config.listen.host, await this.#workers.start());
    this.#tick = setInterval(() => this.#turn(), TICK_MS);
    this.#phase = 'serving';
    await this.#restart.serving();
    this.#configuration.follow();
    this.#warn(first.warnings.map(formatProblem));
    this.#log.info('serving', { proxy: this.proxyUrl, admin: this.adminUrl, ...this.#configFields(current) });
  }

  /** Lets go of everything that a start has begun, and tells whoever waits for it. */
  async giveUp(error: unknown): Promise<void> {
    await this.#restart.failed(error);
    await this.close();
  }

  reload(): void {
    this.#configuration.reload();
  }

  restart(by: string): RestartAnswer {
    const open = { proxy: this.#workers?.sockets() ?? null, admin: this.#admin?.fd ?? null };
    return this.#restart.begin(by, this.#phase === 'serving' ? open : null);
  }

  drain(): Promise<void> {
    this.#draining ??= this.#drain();
    return this.#draining;
  }

  /** Lets go of everything. Idempotent. */
  async close(): Promise<void> {
    this.#phase = 'closed';
    if (this.#tick !== null) clearInterval(this.#tick);
    await this.#configuration.close();
    this.#health.close();
    this.#keys.close();
    await this.#workers?.stop();
    await this.#admin?.close();
    await this.#rollouts.fleet.close();
    await this.#durable.close();
    this.#restart.close();
    await this.#accessLog.flush(FLUSH_MS);
    await this.#log.flush(FLUSH_MS);
  }

  async #createWorkers({ config, snapshot }: Current): Promise<Workers> {
    const { warnings, ...listening } = await this.#restart.planListening(config);
    this.#warn(warnings);
    const dials = { dials: this.#dials.buffer, endpointDials: this.#endpointDials.buffer };
    const memory = { ...dials, latencyDials: this.#latencyDials.buffer };
    const parts = { log: this.#log, accessLog: this.#accessLog, keys: this.#keys };
    return createWorkers({ listening, memory, snapshot, ...parts });
  }

  /** Resolves when every worker has what came of an offer. */
  async #apply(result: OfferResult): Promise<void> {
    if (result.kind === 'refused') {
      const problems = result.problems.map(formatProblem);
      this.#log.error('config_refused', { kept: this.#store.current?.snapshot.revision, problems });
      return;
    }
    this.#warn(result.warnings.map(formatProblem));
    if (result.kind === 'unchanged') {
      this.#log.info('config_unchanged', this.#configFields(result.current));
      return;
    }
    for (const { table, id } of result.recycled) if (table === 'cells') this.#totals.forget(id);
    for (const { override, because } of result.lifted) this.#log.info('hold_lifted', { ...override, lifted: because });
    this.#follow(result.current, result.before);
    if (result.before !== null) this.#warn(needsRestart(result.before.config, result.current.config));
    await this.#workers?.swap(result.current.snapshot);
    this.#log.info('config_live', this.#configFields(result.current));
  }

  #follow(current: Current, before: Current | null = null): void {
    this.#keys.follow(current.config.color);
    this.#revisions.watch.follow(current, before);
    this.#rollouts.follow(current);
    this.#drifts.follow(current);
    this.#attribution.follow(current);
    this.#slos.follow(objectivesOf(current.config, current.snapshot));
    this.#health.follow(planOf(current.config, current.snapshot), this.#phase === 'serving');
  }

  #warn(texts: readonly string[]): void {
    for (const text of texts) this.#log.warn('config_warning', { text });
  }

  #configFields({ snapshot, config }: Current): Record<string, unknown> {
    return {
      file: this.#options.configFile,
      revision: snapshot.revision,
      hash: snapshot.hash,
      routes: config.routes.length,
    };
  }

  #turn(): void {
    this.#tickedAtMs = nowMs();
    if (!this.#restart.isHeld) this.#decide();
  }

  #decide(isLast = false): void {
    const regions = this.#workers?.regions() ?? [];
    this.#totals.follow(regions);
    this.#endpointTotals.follow(regions);
    this.#rollouts.turn(this.#tickedAtMs);
    this.#revisions.watch.turn(this.#tickedAtMs);
    this.#look(isLast);
    this.#drifts.turn(regions, this.#tickedAtMs);
    this.#attribution.turn(this.#tickedAtMs);
    this.#lookAfterEndpoints(regions);
    this.#totals.readSome(this.#store.current?.snapshot.routes ?? [], ROUTES_PER_TICK);
  }

  /** Takes in what objectives count. @param wantsAll of every source, also when it is not their turn */
  #look(wantsAll: boolean): void {
    const regions = this.#workers?.regions() ?? [];
    for (const alert of this.#slos.turn(regions, bothClocks(), wantsAll)) {
      this.#log.warn('slo_alert', { ...this.#attribution.alert(alert) });
    }
  }

  /** The endpoint dials have moved already; here the changes are told, and versions that are down give up their weight. */
  #lookAfterEndpoints(regions: readonly Region[]): void {
    const { endpoints, versions, down } = this.#health.turn(regions);
    for (const change of endpoints) this.#log.info('endpoint', { ...change });
    for (const change of versions) this.#log.warn('version_endpoints', { ...change });
    if (down === null) return;
    for (const shift of this.#store.setDown(down)) this.#log.warn('version_weight', { ...shift });
  }

  /** The last turn of the loop here, as far as anybody knows; requests go on at the weights in force. */
  #save(stateDirectory: string | null): Promise<LoadedState | null> {
    this.#decide(true);
    return this.#durable.suspend(stateDirectory);
  }

  /** Another process accepts: ours are told to come back with their next answer, and have it there. */
  #leave(): void {
    this.#phase = 'draining';
    this.#workers?.leave();
    void this.#admin?.close();
    this.#draining = this.#finishExchanges();
  }

  async #drain(): Promise<void> {
    this.#phase = 'draining';
    this.#workers?.lameDuck();
    await this.#restart.stop();
    await this.#finishExchanges();
  }

  async #finishExchanges(): Promise<void> {
    const drain = this.#store.current?.config.drain ?? { delayMs: 0, timeoutMs: 0 };
    this.#log.info('draining', { ...drain });
    await this.#configuration.close();
    await sleep(drain.delayMs, undefined, { ref: false });
    const finished = this.#workers?.drain() ?? Promise.resolve();
    const isDone = await Promise.race([finished.then(() => true), sleep(drain.timeoutMs, false, { ref: false })]);
    if (!isDone) this.#log.warn('drain_timeout', { cut: 'exchanges still under way', timeoutMs: drain.timeoutMs });
    this.#log.info('drained');
    await this.close();
    this.#end.resolve(0);
  }
}
