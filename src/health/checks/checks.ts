/**
 * Runs the health checks of all endpoints: which are due, what they say, who is unhealthy.
 *
 * A check is known by endpoint, address, path and host: a reload that changes its timing only goes on with what is
 * known, any other change starts afresh. An endpoint with several checks is unhealthy while one of them says so.
 */

import type { Random } from '../../lib/random.ts';
import type { HealthCheckConfig } from '../../model/config.ts';
import type { EndpointPlan } from '../../model/health.ts';
import { checkKey } from '../plan.ts';
import type { Probe, ProbeTarget } from './probe.ts';
import { Schedule, type Slot } from './schedule.ts';
import { afterCheck, type CheckResult, type CheckVerdict, sentenceOf, UNKNOWN, wordOf } from './verdict.ts';

/** Checks under way at a time: far below what a process may open, enough for 6,400 endpoints in 1 s at 10 ms each. */
const CONCURRENCY_MAX = 64;

export interface ChecksDeps {
  readonly random: Random;
  readonly nowMs: () => number;
  readonly startProbe: (target: ProbeTarget) => Probe;
  /** An endpoint's checks say something else than before. */
  readonly changed: (endpoint: number) => void;
}

interface Check {
  readonly endpoint: number;
  readonly target: Pick<ProbeTarget, 'host' | 'port' | 'tls' | 'isHttp2' | 'isGrpc' | 'proxyProtocol'>;
  config: HealthCheckConfig;
  verdict: CheckVerdict;
  probe: Probe | null;
}

export class Checks {
  readonly #deps: ChecksDeps;
  readonly #schedule: Schedule<Check>;
  #slots = new Map<string, Slot<Check>>();
  /** Checks of each endpoint. */
  #byEndpoint = new Map<number, Check[]>();
  #passed = 0;
  #failed = 0;
  #isClosed = false;

  constructor(deps: ChecksDeps) {
    this.#deps = deps;
    this.#schedule = new Schedule(deps.random, CONCURRENCY_MAX);
  }

  get counts(): { readonly passed: number; readonly failed: number; readonly late: number } {
    return { passed: this.#passed, failed: this.#failed, late: this.#schedule.late };
  }

  /** Takes the endpoints of a new configuration: checks that are gone stop, new ones begin. */
  follow(endpoints: readonly EndpointPlan[]): void {
    const before = this.#slots;
    this.#slots = new Map();
    this.#byEndpoint = new Map();
    for (const endpoint of endpoints) {
      for (const config of endpoint.checks) this.#keep(endpoint, config, before);
    }
    for (const slot of before.values()) this.#drop(slot);
  }

  /** Starts what is due. */
  turn(): void {
    if (this.#isClosed) return;
    for (const slot of this.#schedule.turn(this.#deps.nowMs())) void this.#run(slot);
  }

  /** Why an endpoint is unhealthy, null while it is not. */
  unhealthy(endpoint: number): string | null {
    for (const { verdict, config } of this.#byEndpoint.get(endpoint) ?? []) {
      const sentence = sentenceOf(verdict, config.path);
      if (sentence !== null) return sentence;
    }
    return null;
  }

  /** Ends all checks that are under way and starts no more. */
  close(): void {
    this.#isClosed = true;
    for (const { check } of this.#slots.values()) check.probe?.cancel();
  }

  #keep(endpoint: EndpointPlan, config: HealthCheckConfig, before: Map<string, Slot<Check>>): void {
    const { id, host, port, tls, protocol, proxyProtocol } = endpoint;
    const spoken = `${protocol ?? ''} ${proxyProtocol ?? 0} ${tls?.key ?? ''}`;
    const key = `${id} ${host} ${port} ${spoken} ${checkKey(config)}`;
    const known = before.get(key);
    before.delete(key);
    const nowMs = this.#deps.nowMs();
    const slot = known ?? this.#schedule.add(fresh(id, targetOf(endpoint), config), config.intervalMs, nowMs);
    slot.check.config = config;
    this.#schedule.pace(slot, config.intervalMs, nowMs);
    this.#slots.set(key, slot);
    const siblings = this.#byEndpoint.get(id);
    if (siblings === undefined) this.#byEndpoint.set(id, [slot.check]);
    else siblings.push(slot.check);
  }

  #drop(slot: Slot<Check>): void {
    this.#schedule.remove(slot);
    slot.check.probe?.cancel();
  }

  async #run(slot: Slot<Check>): Promise<void> {
    const { check } = slot;
    const result = await this.#ask(check);
    this.#schedule.done(slot);
    const isWanted = this.#byEndpoint.get(check.endpoint)?.includes(check) === true;
    if (isWanted && !this.#isClosed) this.#take(check, result);
  }

  /** Never rejects: whoever cannot be asked has failed, and keeps no slot. */
  async #ask(check: Check): Promise<CheckResult> {
    const { path, host, timeoutMs, grpcService } = check.config;
    const named = grpcService === undefined ? {} : { grpcService };
    try {
      check.probe = this.#deps.startProbe({ ...check.target, path, hostHeader: host, timeoutMs, ...named });
      return await check.probe.result;
    } catch (error) {
      return wordOf(error);
    } finally {
      check.probe = null;
    }
  }

  #take(check: Check, result: CheckResult): void {
    if (result === null) this.#passed++;
    else this.#failed++;
    const before = this.unhealthy(check.endpoint);
    check.verdict = afterCheck(check.verdict, result, check.config);
    const after = this.unhealthy(check.endpoint);
    if (before !== after) this.#deps.changed(check.endpoint);
  }
}

/** Whom to ask, and in which language. */
function targetOf({ host, port, tls, protocol, proxyProtocol }: EndpointPlan): Check['target'] {
  const spoken = protocol === undefined ? {} : { isHttp2: true, isGrpc: protocol === 'grpc' };
  return { host, port, ...(tls && { tls }), ...(proxyProtocol && { proxyProtocol }), ...spoken };
}

function fresh(endpoint: number, target: Check['target'], config: HealthCheckConfig): Check {
  return { endpoint, target, config, verdict: UNKNOWN, probe: null };
}
