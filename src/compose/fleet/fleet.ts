/**
 * Composition of a gateway with the others of its fleet: link ▸ node ▸ rollouts, and evidence both ways.
 *
 * ```
 * every turn:        roles for this turn ▸ what the fleet moves (`steering.ts`) ▸ evidence of some rollouts out
 * every EXCHANGE_TURNS:  the node's exchange with Redis
 * word of another:   the rollout here follows        decision here: said at once
 * ```
 * Without a `fleet` in the configuration nothing of this happens, and this gateway leads everything. Nobody waits for Redis but
 * the answer to a command that needs a release window.
 */

import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import type { Hello } from '../../fleet/evidence/words.ts';
import { FleetNode } from '../../fleet/node.ts';
import type { Word } from '../../fleet/order.ts';
import { FencedLocks } from '../../fleet/redis/fenced.ts';
import { type Link, openLink } from '../../fleet/redis/link.ts';
import { RedisStore } from '../../fleet/redis/store.ts';
import { bothClocks, nowMs } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { SluiceError } from '../../model/problem.ts';
import type { CommandResult, RolloutCommand, RolloutSpec, RolloutState, SavedRollout } from '../../model/rollout.ts';
import type {
  FleetConfig,
  FleetMember,
  FleetRole,
  FleetStatus,
  LockStore,
  RolloutNews,
} from '../../model/threads/fleet.ts';
import type { Region } from '../../proxy/threads/workers.ts';
import type { SetLatency } from '../../slo/latency/watch.ts';
import type { FleetGuide, Standing } from '../../slo/rollout/loop/loop.ts';
import { FleetEvidence } from './evidence.ts';
import { Hearing } from './hearing.ts';
import { Members } from './members.ts';
import { isNews, placeOf } from './news.ts';
import { FleetRates } from './rates.ts';
import { Steering } from './steering.ts';

/** In turns of the loop, 100 ms each. */
const EXCHANGE_TURNS = 5;
const HELLO_TURNS = 10;
/** Our own words come back within this, or the listener is not listening. */
const DEAF_MS = 3000;
/** Turns that are so far apart were held up: this process stood still, and could not hear anybody. */
const STALL_MS = 500;
/** The longest name that fits an identity. */
const NAME_CHARS_MAX = 100;

/** The rollouts of this gateway. */
export interface Led {
  command(command: RolloutCommand): CommandResult;
  /** The memory of a route's rollout; null: it has none. */
  saved(route: string): SavedRollout | null;
  /** Where it stands, at no cost. */
  standing(route: string): Standing | null;
  /** False: there is no such rollout yet, or another one. @throws SluiceError SLU_STATE_INVALID */
  adopt(saved: SavedRollout, isFirst: boolean): boolean;
}

export interface FleetDeps {
  readonly log: Log;
  readonly led: Led;
  /** Memory of the workers here, and that in which they count requests against rate limits. */
  readonly regions: () => readonly Region[];
  readonly rates: () => SharedArrayBuffer | null;
  readonly weightOf: (dial: number) => number;
  readonly setLatency: SetLatency;
}

/** What is open while there is a fleet. */
interface Open {
  readonly config: FleetConfig;
  readonly link: Link;
  readonly store: RedisStore<RolloutNews>;
  readonly otherLocks: LockStore | null;
  readonly node: FleetNode<RolloutNews>;
  readonly adminUrl: () => string;
}

export class Fleet {
  readonly rates: FleetRates;
  readonly #deps: FleetDeps;
  readonly #id = `${hostname().slice(0, NAME_CHARS_MAX)}-${process.pid}-${randomInt(2 ** 47)}`;
  readonly #members = new Members();
  readonly #roles = new Map<string, FleetRole>();
  readonly #evidence: FleetEvidence;
  readonly #steering: Steering;
  readonly #hearing: Hearing;
  readonly #counts = { done: 0, failed: 0, sent: 0 };
  #open: Open | null = null;
  /** By route. */
  #specs: ReadonlyMap<string, RolloutSpec> = new Map();
  #merged: { readonly own: readonly Region[]; readonly all: readonly Region[] } = { own: [], all: [] };
  #turns = 0;
  #because = '';
  #isAlone = false;
  #turnedAtMs: number | null = null;

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    this.rates = new FleetRates({ log: deps.log, memory: deps.rates, nowMs });
    const roleOf = (route: string): FleetRole => this.guide.roleOf(route);
    const { setLatency, weightOf } = deps;
    this.#evidence = new FleetEvidence({ id: this.#id, setLatency, weightOf, roleOf, nowMs });
    const [id, members, evidence] = [this.#id, this.#members, this.#evidence];
    this.#hearing = new Hearing({ id, log: deps.log, members, evidence, nowMs });
    this.#steering = new Steering({
      log: deps.log,
      command: (command) => deps.led.command(command),
      stateOf: (route) => this.#stateOf(route),
      failed: (error) => this.#failed(error),
      nowMs,
    });
  }

  /** What the loop is told before it decides; the same throughout one turn. */
  readonly guide: FleetGuide = {
    roleOf: (route) => (this.#open === null ? 'leader' : (this.#roles.get(route) ?? 'follower')),
    mayStart: (route) => {
      if (this.#open === null) return true;
      this.#steering.want(route);
      return this.#open.node.mayStart(route);
    },
    attemptsElsewhere: (route) => this.#evidence.others.attemptsOf(route, nowMs()),
  };

  readonly setLatency: SetLatency = (unit, dial) => {
    if (this.#open === null) this.#deps.setLatency(unit, dial);
    else this.#evidence.setLatency(unit, dial);
  };

  /**
   * Starts to take part; null: there is no fleet, or no store of locks but Redis. Resolves at once, whether or not Redis answers.
   * @throws SluiceError SLU_CONFIG_UNREADABLE when a file that the settings name cannot be read
   */
  async open(config: FleetConfig | null, adminUrl: () => string, locks: LockStore | null = null): Promise<void> {
    if (config === null) return;
    const channels = [`sluice:${config.name}:words`, `sluice:${config.name}:evidence`];
    const link = await openLink(config.redis, {
      name: `sluice-${this.#nameOf(config)}`,
      channels,
      message: (channel, text) => {
        if (this.#open !== null) this.#hearing.hear(channel === channels[0] ? 'word' : 'evidence', text, this.#open);
      },
      failed: (error) => this.#failed(error),
    });
    const store = new RedisStore<RolloutNews>(link, config.name, isNews);
    const node = new FleetNode<RolloutNews>({
      id: this.#id,
      locks: locks === null ? store : new FencedLocks(locks, store),
      board: store,
      nowMs,
      wallMs: () => Math.round(bothClocks().wallMs),
      leaseMs: config.leaseMs,
      windowLeaseMs: config.window.leaseMs,
      hooks: {
        adopt: (route, word) => this.#adopt(route, word),
        current: (route) => this.#current(route),
        phase: (route) => this.#steering.phase(route),
        windowLost: (route, takenBy) => this.#steering.windowLost(route, takenBy),
        failed: (error) => this.#failed(error),
      },
    });
    this.#open = { config, link, store, otherLocks: locks, node, adminUrl };
    this.rates.open(link, config.name);
    this.#hearing.selfAtMs = nowMs();
    this.#follow([...this.#specs.values()], node);
  }

  /** Takes in the rollouts of a configuration. */
  follow(specs: readonly RolloutSpec[]): void {
    this.#specs = new Map(specs.map((spec) => [spec.route, spec]));
    if (this.#open !== null) this.#follow(specs, this.#open.node);
  }

  /** The memory that the judge reads: that of the workers here and, in a fleet, what the others measured. */
  regions(): readonly Region[] {
    const own = this.#deps.regions();
    if (this.#open === null) return own;
    if (this.#merged.own !== own) this.#merged = { own, all: [...own, this.#evidence.others.region] };
    return this.#merged.all;
  }

  /** Before each turn of the loop. */
  beforeTurn(): void {
    if (this.#open === null) return;
    const { node } = this.#open;
    this.#turns += 1;
    this.#passOver(node);
    for (const route of this.#specs.keys()) this.#roles.set(route, node.roleOf(route));
    this.#tellMode(node.isConnected);
    for (const [route, role] of this.#roles) this.#steering.turn(route, role, node);
  }

  /** After each turn of the loop: what it did is told, and exchanged. */
  afterTurn(): void {
    if (this.#open === null) return;
    const { node, link } = this.#open;
    void this.rates.turn();
    for (const route of this.#evidence.takeChanged()) void node.moved(route);
    if (this.#turns % EXCHANGE_TURNS === 0) void this.#exchange(node);
    if (!node.isConnected) return;
    if (this.#turns % HELLO_TURNS === 0) this.#send(this.#self);
    for (const message of this.#evidence.messages(this.#deps.regions(), this.#self)) this.#send(message);
    if (nowMs() - this.#hearing.selfAtMs > DEAF_MS && node.hasExchanged) {
      this.#hearing.selfAtMs = nowMs();
      link.listenAgain();
    }
  }

  /** A decision was made here, and is executed. */
  decided(route: string): void {
    if (this.#open === null) return;
    this.#steering.giveUp(route, 'the rollout has been moved since');
    void this.#open.node.moved(route);
  }

  /** Does what a person asks for, if this gateway may; else says where to send it. */
  command(command: RolloutCommand): CommandResult | Promise<CommandResult> {
    const { led } = this.#deps;
    const spec = this.#specs.get(command.route);
    if (this.#open === null || spec === undefined) return led.command(command);
    if (command.name === 'abort') return this.#abort(command);
    const { node, config } = this.#open;
    const role = node.roleOf(command.route);
    if (role === 'alone') {
      const because = `it is cut off from the fleet ${config.name} (${this.#because})`;
      return { kind: 'refused', detail: `${command.route}: this gateway does nothing but abort while ${because}` };
    }
    if (role === 'follower') return { kind: 'refused', detail: this.#elsewhere(command, node) };
    // Only a rollout with steps starts; the rollout itself says why another one does not.
    const isStart = spec.plan !== null && (command.name === 'start' || command.name === 'undo');
    if (!isStart || this.#steering.phase(command.route) === 'under-way') return led.command(command);
    return this.#steering.start(command, spec, { node, onTaken: config.window.onTaken });
  }

  /** null: there is no fleet. */
  status(): FleetStatus | null {
    if (this.#open === null) return null;
    const { config, node, adminUrl } = this.#open;
    const { done, failed, sent } = this.#counts;
    const connected = node.hasExchanged ? 'fleet' : 'joining';
    const self: FleetMember = { id: this.#id, member: this.#nameOf(config), adminUrl: adminUrl(), heardMs: 0 };
    return {
      name: config.name,
      member: self.member,
      mode: node.isConnected ? connected : 'alone',
      because: node.isConnected ? '' : this.#because,
      exchangedMs: node.exchangedMs === null ? null : Math.round(node.exchangedMs),
      exchanges: { done, failed },
      messages: { sent, ...this.#hearing.counts },
      members: [self, ...this.#members.list(nowMs())],
      rollouts: node.statuses((id) => (id === this.#id ? self.member : this.#members.nameOf(id))),
      rates: this.rates.status,
    };
  }

  /** Lets go of the locks and of Redis. Never rejects. */
  async close(): Promise<void> {
    if (this.#open === null) return;
    const { node, link, otherLocks } = this.#open;
    this.#open = null;
    this.rates.close();
    await node.close();
    otherLocks?.close();
    link.close();
  }

  get #self(): Hello {
    const { config, adminUrl } = this.#open as Open;
    return { id: this.#id, member: this.#nameOf(config), adminUrl: adminUrl() };
  }

  #nameOf({ member }: FleetConfig): string {
    return member ?? hostname().slice(0, NAME_CHARS_MAX);
  }

  async #exchange(node: FleetNode<RolloutNews>): Promise<void> {
    if (await node.exchange()) this.#counts.done += 1;
  }

  #failed(error: unknown): void {
    this.#counts.failed += 1;
    this.#because = error instanceof Error ? error.message : String(error);
  }

  /** After time in which this process stood still, the fleet is asked before anybody is taken for cut off. */
  #passOver(node: FleetNode<RolloutNews>): void {
    const gapMs = nowMs() - (this.#turnedAtMs ?? nowMs());
    this.#turnedAtMs = nowMs();
    if (gapMs < STALL_MS) return;
    node.passOver(gapMs);
    this.#hearing.selfAtMs += gapMs;
    void this.#exchange(node);
  }

  #tellMode(isConnected: boolean): void {
    if (this.#isAlone === !isConnected) return;
    this.#isAlone = !isConnected;
    const fleet = this.#open?.config.name;
    if (isConnected) this.#deps.log.info('fleet_joined', { fleet });
    else this.#deps.log.warn('fleet_alone', { fleet, because: this.#because });
  }

  #follow(specs: readonly RolloutSpec[], node: FleetNode<RolloutNews>): void {
    this.#evidence.follow(specs);
    node.follow(
      specs.map(({ route, service, generation, plan }) => ({ route, service, generation, hasSteps: plan !== null })),
    );
    this.#steering.follow(this.#specs);
    for (const route of this.#roles.keys()) if (!this.#specs.has(route)) this.#roles.delete(route);
  }

  /** Everybody may end a rollout: it wins over whatever else is decided about it, and over a start that is still to come. */
  #abort(command: RolloutCommand): CommandResult {
    const isGivenUp = this.#steering.giveUp(command.route, 'it was aborted');
    const result = this.#deps.led.command(command);
    if (result.kind !== 'refused' || !isGivenUp) return result;
    return { ...result, detail: `${result.detail}; the start that waited for the release window is given up` };
  }

  #elsewhere({ route, name }: RolloutCommand, node: FleetNode<RolloutNews>): string {
    const leader = this.#members.find(node.leaderOf(route));
    if (leader === null)
      return `${route}: no gateway of the fleet is known to lead it now; send ${name} again in some seconds`;
    return `${route} is led by ${leader.member}; send ${name} there: --admin ${leader.adminUrl}`;
  }

  #stateOf(route: string): RolloutState | null {
    const standing = this.#deps.led.standing(route);
    return standing?.generation === this.#specs.get(route)?.generation ? (standing?.state ?? null) : null;
  }

  #current(route: string): { body: RolloutNews; isRolledBack: boolean; rolledBackAtMs: number } | null {
    const saved = this.#savedOf(route);
    if (saved === null) return null;
    const isRolledBack = saved.rollout.state.kind === 'rolled-back';
    const decidedAt = saved.decision === null ? Number.NaN : Date.parse(saved.decision.at);
    const rolledBackAtMs = Number.isFinite(decidedAt) ? decidedAt : Math.round(bothClocks().wallMs);
    return { body: { saved, limits: this.#evidence.limitsOf(route) }, isRolledBack, rolledBackAtMs };
  }

  /** Whether the word is followed. Never throws: whoever can write to Redis can write anything. */
  #adopt(route: string, word: Word<RolloutNews>): boolean {
    try {
      return this.#followWord(route, word);
    } catch (error) {
      this.#hearing.refuse('word', error instanceof Error ? error.message : String(error));
      return false;
    }
  }

  /** Where the rollout stands already, it is left alone: it keeps its times. */
  #followWord(route: string, { body: { saved, limits }, run, seq, isRolledBack }: Word<RolloutNews>): boolean {
    const own = this.#savedOf(route);
    if (own === null) return false;
    const { kind } = saved.rollout.state;
    const isAnother = saved.route !== route || saved.generation !== own.generation;
    if (isAnother || isRolledBack !== (kind === 'rolled-back')) {
      throw new SluiceError('SLU_STATE_INVALID', `a word on ${route} is about ${saved.route}, ${kind}`);
    }
    if (placeOf(own) !== placeOf(saved)) {
      if (!this.#deps.led.adopt(saved, run === 0 && seq === 1)) return false;
      this.#steering.giveUp(route, 'another gateway has moved the rollout since');
      this.#deps.log.info('fleet_followed', { route, state: kind, run, sentence: saved.decision?.sentence ?? '' });
    }
    // Not of the guide: it says what was so when the turn began, and behind a cut this is before the next one.
    const role = this.#open?.node.roleOf(route);
    if (role === 'follower') this.#evidence.adoptLimits(route, limits);
    // Who judges alone counts at its own thresholds, and is asked again when it does not any more.
    return role !== 'alone';
  }

  /** null: the loop does not have the rollout of the configuration in force yet. */
  #savedOf(route: string): SavedRollout | null {
    const saved = this.#deps.led.saved(route);
    return saved?.generation === this.#specs.get(route)?.generation ? saved : null;
  }

  #send(message: object): void {
    const { config, link } = this.#open as Open;
    this.#counts.sent += 1;
    link
      .publish(`sluice:${config.name}:evidence`, JSON.stringify(message))
      .catch((error: unknown) => this.#failed(error));
  }
}
