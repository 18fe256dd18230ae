/**
 * Composition of a gateway with the others of its fleet: link ▸ node ▸ rollouts, and evidence both ways.
 *
 * ```
 * every turn:        roles for this turn ▸ pause what is cut off ▸ starts that waited ▸ evidence out, every PUBLISH_TURNS
 * every EXCHANGE_TURNS:  the node's exchange with Redis
 * word of another:   the rollout here follows        decision here: said at once
 * ```
 * Without a `fleet` in the configuration nothing of this happens, and this gateway leads everything. Nobody waits for Redis but
 * the answer to a command that needs a release window.
 */

import { randomInt } from 'node:crypto';
import { hostname } from 'node:os';
import { type Hello, hasEvidence, MESSAGE_CHARS_MAX, parseMessage } from '../../fleet/evidence/words.ts';
import { FleetNode, type Phase } from '../../fleet/node.ts';
import type { Word } from '../../fleet/order.ts';
import { type Link, openLink } from '../../fleet/redis/link.ts';
import { RedisStore } from '../../fleet/redis/store.ts';
import { bothClocks, nowMs } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { CommandResult, RolloutCommand, RolloutSpec, SavedRollout } from '../../model/rollout.ts';
import type { FleetConfig, FleetMember, FleetRole, FleetStatus, RolloutNews } from '../../model/threads/fleet.ts';
import type { Region } from '../../proxy/threads/workers.ts';
import type { SetLatency } from '../../slo/latency/watch.ts';
import type { FleetGuide } from '../../slo/rollout/loop/loop.ts';
import { FleetEvidence } from './evidence.ts';
import { Members } from './members.ts';
import { isNews, placeOf } from './news.ts';

/** In turns of the loop, 100 ms each. */
const PUBLISH_TURNS = 2;
const EXCHANGE_TURNS = 5;
const HELLO_TURNS = 10;
/** Our own words come back within this, or the listener is not listening. */
const DEAF_MS = 3000;
/** A rollout that asked whether it may start in the last turns still wants to. */
const WANTS_MS = 1000;
/** The longest name that fits an identity. */
const NAME_CHARS_MAX = 100;
/** Why a rollout stands still here; it goes on by itself when the fleet is heard again. */
const CUT_OFF = 'this gateway is cut off from its fleet; it goes on when the fleet is heard again';

/** The rollouts of this gateway. */
export interface Led {
  command(command: RolloutCommand): CommandResult;
  save(): SavedRollout[];
  adopt(saved: SavedRollout, isFirst: boolean): void;
}

export interface FleetDeps {
  readonly log: Log;
  readonly led: Led;
  /** Memory of the workers here. */
  readonly regions: () => readonly Region[];
  readonly weightOf: (dial: number) => number;
  readonly setLatency: SetLatency;
}

/** What is open while there is a fleet. */
interface Open {
  readonly config: FleetConfig;
  readonly link: Link;
  readonly store: RedisStore<RolloutNews>;
  readonly node: FleetNode<RolloutNews>;
  readonly adminUrl: () => string;
}

export class Fleet {
  readonly #deps: FleetDeps;
  readonly #id = `${hostname().slice(0, NAME_CHARS_MAX)}-${process.pid}-${randomInt(2 ** 47)}`;
  readonly #members = new Members();
  readonly #roles = new Map<string, FleetRole>();
  readonly #evidence: FleetEvidence;
  /** Starts that wait for the window, by route. */
  readonly #waiting = new Map<string, RolloutCommand>();
  /** When a new rollout last asked whether it may start, by route. */
  readonly #wants = new Map<string, number>();
  readonly #counts = { done: 0, failed: 0, sent: 0, taken: 0, refused: 0 };
  #open: Open | null = null;
  #specs: readonly RolloutSpec[] = [];
  #merged: { readonly own: readonly Region[]; readonly all: readonly Region[] } = { own: [], all: [] };
  #turns = 0;
  #because = '';
  #isAlone = false;
  #heardSelfAtMs = nowMs();

  constructor(deps: FleetDeps) {
    this.#deps = deps;
    const roleOf = (route: string): FleetRole => this.guide.roleOf(route);
    const { setLatency, weightOf } = deps;
    this.#evidence = new FleetEvidence({ id: this.#id, setLatency, weightOf, roleOf, nowMs });
  }

  /** What the loop is told before it decides; the same throughout one turn. */
  readonly guide: FleetGuide = {
    roleOf: (route) => (this.#open === null ? 'leader' : (this.#roles.get(route) ?? 'follower')),
    mayStart: (route) => {
      if (this.#open === null) return true;
      this.#wants.set(route, nowMs());
      return this.#open.node.mayStart(route);
    },
  };

  readonly setLatency: SetLatency = (unit, dial) => {
    if (this.#open === null) this.#deps.setLatency(unit, dial);
    else this.#evidence.setLatency(unit, dial);
  };

  /**
   * Starts to take part; null: there is no fleet. Resolves at once, whether or not Redis answers.
   * @throws SluiceError SLU_CONFIG_UNREADABLE when a file that the settings name cannot be read
   */
  async open(config: FleetConfig | null, adminUrl: () => string): Promise<void> {
    if (config === null) return;
    const channels = [`sluice:${config.name}:words`, `sluice:${config.name}:evidence`];
    const link = await openLink(config.redis, {
      name: `sluice-${this.#nameOf(config)}`,
      channels,
      message: (channel, text) => (channel === channels[0] ? this.#hearWord(text) : this.#hearEvidence(text)),
      failed: (error) => this.#failed(error),
    });
    const store = new RedisStore<RolloutNews>(link, config.name, isNews);
    const node = new FleetNode<RolloutNews>({
      id: this.#id,
      locks: store,
      board: store,
      nowMs,
      wallMs: () => Math.round(bothClocks().wallMs),
      leaseMs: config.leaseMs,
      windowLeaseMs: config.window.leaseMs,
      hooks: {
        adopt: (route, word) => this.#adopt(route, word),
        current: (route) => this.#current(route),
        phase: (route) => this.#phase(route),
        windowLost: (route, takenBy) => this.#pause(route, `the release window of its service is that of ${takenBy}`),
        failed: (error) => this.#failed(error),
      },
    });
    this.#open = { config, link, store, node, adminUrl };
    this.#heardSelfAtMs = nowMs();
    this.follow(this.#specs);
  }

  /** Takes in the rollouts of a configuration. */
  follow(specs: readonly RolloutSpec[]): void {
    this.#specs = specs;
    if (this.#open === null) return;
    this.#evidence.follow(specs);
    this.#open.node.follow(
      specs.map(({ route, service, generation, plan }) => ({ route, service, generation, hasSteps: plan !== null })),
    );
    for (const map of [this.#roles, this.#waiting, this.#wants]) {
      for (const route of map.keys()) if (!specs.some((spec) => spec.route === route)) map.delete(route);
    }
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
    for (const { route } of this.#specs) this.#roles.set(route, node.roleOf(route));
    this.#tellMode(node.isConnected);
    for (const { route } of this.#specs) this.#steer(route, node);
  }

  /** After each turn of the loop: what it did is told, and exchanged. */
  afterTurn(): void {
    if (this.#open === null) return;
    const { node, link } = this.#open;
    for (const route of this.#evidence.takeChanged()) void node.moved(route);
    if (this.#turns % EXCHANGE_TURNS === 0) void this.#exchange(node);
    if (!node.isConnected) return;
    if (this.#turns % HELLO_TURNS === 0) this.#send(this.#self);
    if (this.#turns % PUBLISH_TURNS === 0) {
      for (const message of this.#evidence.messages(this.#deps.regions(), this.#self)) this.#send(message);
    }
    if (nowMs() - this.#heardSelfAtMs > DEAF_MS && node.hasExchanged) {
      this.#heardSelfAtMs = nowMs();
      link.listenAgain();
    }
  }

  /** A decision was made here, and is executed. */
  decided(route: string): void {
    if (this.#open !== null) void this.#open.node.moved(route);
  }

  /** Does what a person asks for, if this gateway may; else says where to send it. */
  command(command: RolloutCommand): CommandResult | Promise<CommandResult> {
    const { led } = this.#deps;
    const isKnown = this.#specs.some(({ route }) => route === command.route);
    // Everybody may end a rollout: it wins over whatever else is decided about it.
    if (this.#open === null || !isKnown || command.name === 'abort') return led.command(command);
    const { node, config } = this.#open;
    const role = node.roleOf(command.route);
    if (role === 'alone') {
      const because = `it is cut off from the fleet ${config.name} (${this.#because})`;
      return { kind: 'refused', detail: `${command.route}: this gateway does nothing but abort while ${because}` };
    }
    if (role === 'follower') return { kind: 'refused', detail: this.#elsewhere(command, node) };
    const isStart = command.name === 'start' || command.name === 'undo';
    return isStart && this.#phase(command.route) !== 'under-way' ? this.#enter(command) : led.command(command);
  }

  /** null: there is no fleet. */
  status(): FleetStatus | null {
    if (this.#open === null) return null;
    const { config, node, adminUrl } = this.#open;
    const { done, failed, ...messages } = this.#counts;
    const connected = node.hasExchanged ? 'fleet' : 'joining';
    const self: FleetMember = { id: this.#id, member: this.#nameOf(config), adminUrl: adminUrl(), heardMs: 0 };
    return {
      name: config.name,
      member: self.member,
      mode: node.isConnected ? connected : 'alone',
      because: node.isConnected ? '' : this.#because,
      exchangedMs: node.exchangedMs === null ? null : Math.round(node.exchangedMs),
      exchanges: { done, failed },
      messages,
      members: [self, ...this.#members.list(nowMs())],
      rollouts: node.statuses((id) => (id === this.#id ? self.member : this.#members.nameOf(id))),
    };
  }

  /** Lets go of the locks and of Redis. Never rejects. */
  async close(): Promise<void> {
    if (this.#open === null) return;
    const { node, link } = this.#open;
    this.#open = null;
    await node.close();
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

  #tellMode(isConnected: boolean): void {
    if (this.#isAlone === !isConnected) return;
    this.#isAlone = !isConnected;
    const fleet = this.#open?.config.name;
    if (isConnected) this.#deps.log.info('fleet_joined', { fleet });
    else this.#deps.log.warn('fleet_alone', { fleet, because: this.#because });
  }

  /** A rollout stands still while this gateway is cut off; starts that waited begin when the window is theirs. */
  #steer(route: string, node: FleetNode<RolloutNews>): void {
    const role = this.#roles.get(route);
    const state = this.#stateOf(route);
    if (role === 'alone' && (state?.kind === 'progressing' || state?.kind === 'baking')) this.#pause(route, CUT_OFF);
    if (role === 'leader' && state?.kind === 'paused' && state.because === CUT_OFF) {
      this.#deps.led.command({ name: 'resume', route, by: 'fleet', reason: '', isFix: false });
    }
    const start = this.#waiting.get(route);
    if (start === undefined || (role === 'leader' && !node.mayStart(route))) return;
    this.#waiting.delete(route);
    if (role === 'leader') this.#deps.led.command(start);
    else
      this.#deps.log.warn('rollout_refused', {
        ...start,
        detail: 'it waited for the window on a gateway that leads no more',
      });
  }

  #pause(route: string, reason: string): void {
    this.#deps.led.command({ name: 'pause', route, by: 'fleet', reason, isFix: false });
  }

  async #enter(command: RolloutCommand): Promise<CommandResult> {
    const { route } = command;
    const { node, config } = this.#open as Open;
    let takenBy: string;
    this.#wants.set(route, nowMs());
    try {
      takenBy = await node.enter(route);
    } catch (error) {
      this.#failed(error);
      return { kind: 'refused', detail: `${route}: Redis did not say whose the release window is; try again` };
    }
    if (takenBy === '' && node.mayStart(route)) return this.#deps.led.command(command);
    const owner = takenBy === '' ? 'not known, as Redis has just begun' : `that of ${takenBy}`;
    const detail = `${route}: the release window of its service is ${owner}`;
    if (config.window.onTaken === 'refuse') return { kind: 'refused', detail };
    this.#waiting.set(route, command);
    return { kind: 'waiting', detail: `${detail}; ${command.name} waits for it` };
  }

  #elsewhere({ route, name }: RolloutCommand, node: FleetNode<RolloutNews>): string {
    const leader = this.#members.find(node.leaderOf(route));
    if (leader === null)
      return `${route}: no gateway of the fleet is known to lead it now; send ${name} again in some seconds`;
    return `${route} is led by ${leader.member}; send ${name} there: --admin ${leader.adminUrl}`;
  }

  #phase(route: string): Phase {
    const state = this.#stateOf(route);
    const hasSteps = this.#specs.some((spec) => spec.route === route && spec.plan !== null);
    if (state === null || !hasSteps) return 'resting';
    if (state.kind === 'progressing' || state.kind === 'paused' || state.kind === 'baking') return 'under-way';
    const wantedAtMs = this.#wants.get(route) ?? Number.NEGATIVE_INFINITY;
    return this.#waiting.has(route) || nowMs() - wantedAtMs < WANTS_MS ? 'wants' : 'resting';
  }

  #stateOf(route: string): SavedRollout['rollout']['state'] | null {
    return this.#savedOf(route)?.rollout.state ?? null;
  }

  #savedOf(route: string): SavedRollout | null {
    return this.#deps.led.save().find((saved) => saved.route === route) ?? null;
  }

  #current(route: string): { body: RolloutNews; isRolledBack: boolean; rolledBackAtMs: number } | null {
    const saved = this.#savedOf(route);
    if (saved === null) return null;
    const isRolledBack = saved.rollout.state.kind === 'rolled-back';
    const decidedAt = saved.decision === null ? Number.NaN : Date.parse(saved.decision.at);
    const rolledBackAtMs = Number.isFinite(decidedAt) ? decidedAt : Math.round(bothClocks().wallMs);
    return { body: { saved, limits: this.#evidence.limitsOf(route) }, isRolledBack, rolledBackAtMs };
  }

  /** Where the rollout stands already, it is left alone: it keeps its times. */
  #adopt(route: string, word: Word<RolloutNews>): void {
    const { saved, limits } = word.body;
    const own = this.#savedOf(route);
    if (own === null) return;
    if (placeOf(own) !== placeOf(saved)) {
      this.#deps.led.adopt(saved, word.run === 0 && word.seq === 1);
      const sentence = saved.decision?.sentence ?? '';
      this.#deps.log.info('fleet_followed', { route, state: saved.rollout.state.kind, run: word.run, sentence });
    }
    if (this.guide.roleOf(route) === 'follower') this.#evidence.adoptLimits(route, limits);
  }

  #hearWord(text: string): void {
    if (this.#open === null) return;
    const heard = text.length > MESSAGE_CHARS_MAX ? null : this.#open.store.heard(text);
    if (heard === null) this.#counts.refused += 1;
    else this.#open.node.heard(heard.resource, heard.word);
  }

  #hearEvidence(text: string): void {
    const message = parseMessage(text);
    if (message === null || this.#open === null) {
      this.#counts.refused += 1;
      return;
    }
    if (message.id === this.#id) {
      this.#heardSelfAtMs = nowMs();
      return;
    }
    const isTaken = this.#members.heard(message, nowMs()) && (!hasEvidence(message) || this.#take(message));
    this.#counts[isTaken ? 'taken' : 'refused'] += 1;
  }

  #take(message: Parameters<FleetEvidence['take']>[0]): boolean {
    return this.#open?.node.isConnected !== true || this.#evidence.take(message);
  }

  #send(message: object): void {
    const { config, link } = this.#open as Open;
    this.#counts.sent += 1;
    link
      .publish(`sluice:${config.name}:evidence`, JSON.stringify(message))
      .catch((error: unknown) => this.#failed(error));
  }
}
