/**
 * Composition of alerts: what is wrong is looked at, channels are told, what is still to be told outlives the process.
 *
 * ```
 * every LOOK_MS   parts of the gateway ─▸ conditions ─▸ engine ─▸ outboxes ─▸ state
 * every PUMP_MS   outbox ─▸ a request to its channel, one at a time each ─▸ what came of it
 * ```
 * Nobody waits for a channel: requests are this thread's, in the background, at most one per channel, and bounded in time. A gateway
 * whose place another process takes looks and sends no more; what it was sending may be sent again by that one.
 */

import { DigestClock, digestOf } from '../../../export/alerts/digest.ts';
import { AlertEngine, type SavedAlerts } from '../../../export/alerts/engine.ts';
import type { Outbox, SavedOutbox } from '../../../export/alerts/outbox.ts';
import { bothClocks, nowMs } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import type { Config } from '../../../model/config.ts';
import type {
  AlertCommand,
  AlertCommandResult,
  AlertsConfig,
  AlertsStatus,
  ChannelConfig,
  Message,
} from '../../../model/threads/load/alerts.ts';
import type { SavedBudget } from '../../../model/threads/state.ts';
import type { Insight } from '../../admin.ts';
import { conditionsOf } from './conditions.ts';
import { dayOf, nameOf, readingsOf } from './readings.ts';
import { Sender } from './sender.ts';

const PUMP_MS = 200;
const PUMPS_PER_LOOK = 5;
/** Among the budgets in the state store, which they outlive like these. */
const KEY_PREFIX = 'alerts/';
const ENGINE_KEY = `${KEY_PREFIX}engine`;
const OUTBOX_PREFIX = `${KEY_PREFIX}outbox/`;
const FORMAT = 1;

export interface AlertsDeps {
  readonly log: Log;
  /** The parts that are looked at. */
  readonly insight: () => Insight;
  /** Uniform in [0, 1). */
  readonly draw: () => number;
  /** Keeps what is to outlive the process. */
  readonly save: (rows: ReadonlyMap<string, SavedBudget>) => void;
}

interface SavedEngine extends SavedAlerts {
  readonly digestDay: string;
}

export class Alerts {
  readonly #deps: AlertsDeps;
  readonly #engine: AlertEngine;
  readonly #digest = new DigestClock();
  readonly #senders = new Map<string, Sender>();
  #config: AlertsConfig | null = null;
  #timer: NodeJS.Timeout | null = null;
  #pumps = 0;
  #isClosed = false;

  constructor(deps: AlertsDeps) {
    this.#deps = deps;
    this.#engine = new AlertEngine(deps.draw);
  }

  /** Takes in a configuration that is in force. What waits for a channel that it does not have any more is lost, and told. */
  follow(config: Pick<Config, 'alerts'>): void {
    const alerts = config.alerts ?? null;
    if (this.#isClosed || alerts === this.#config) return;
    const waiting = new Map([...this.#senders.keys()].map((name) => [name, this.#engine.outbox(name)?.queued ?? 0]));
    this.#config = alerts;
    const gone = this.#engine.follow(alerts);
    for (const channel of alerts?.channels ?? []) this.#adapt(channel);
    for (const name of gone) this.#remove(name, waiting.get(name) ?? 0);
    if (alerts !== null) this.#timer ??= setInterval(() => this.#turn(), PUMP_MS).unref();
  }

  /** null: nobody is told anything. */
  get status(): AlertsStatus | null {
    if (this.#config === null) return null;
    const now = bothClocks();
    return {
      active: this.#engine.active(),
      activeCount: this.#engine.activeCount,
      dropped: this.#engine.dropped,
      channels: this.#config.channels.map(({ name, type }) => {
        const sender = this.#senders.get(name) as Sender;
        const { lastError, ...status } = (this.#engine.outbox(name) as Outbox).status(sender.unusable === '', now);
        return { name, type, ...status, lastError: sender.unusable || lastError };
      }),
    };
  }

  /** Does what a person asks for. Bounded in time by the channel's own limit. */
  async command(command: AlertCommand): Promise<AlertCommandResult> {
    if (this.#config === null) return { kind: 'refused', detail: 'no alerts are configured' };
    const { channels } = this.#config;
    const channel = channels.find(({ name }) => name === command.channel) ?? null;
    if (command.channel !== null && channel === null) {
      const known = channels.map(({ name }) => name).join(', ');
      return { kind: 'unknown', detail: `there is no channel of that name; there are ${known}` };
    }
    if (command.name === 'retry') return this.#retry(channel === null ? channels : [channel], command.by);
    return this.#test(channel as ChannelConfig, command.by);
  }

  /** For the state store. */
  save(): Map<string, SavedBudget> {
    if (this.#config === null) return new Map();
    return new Map([this.#engineRow(), ...this.#config.channels.map(({ name }) => this.#outboxRow(name))]);
  }

  /** Whether a saved budget is none, but of alerts; then they go on. @throws Error when it cannot be read */
  recall(key: string, { format, bytes, at }: SavedBudget): boolean {
    if (!key.startsWith(KEY_PREFIX)) return false;
    if (format !== FORMAT) throw new Error(`format ${format} is not ${FORMAT}`);
    if (bytes.length === 0) return true;
    const saved: unknown = JSON.parse(Buffer.from(bytes).toString());
    const now = bothClocks();
    if (key === ENGINE_KEY) {
      const { digestDay, ...alerts } = saved as SavedEngine;
      this.#digest.recall(digestDay);
      this.#engine.recall(alerts, now.wallMs);
      return true;
    }
    const name = key.slice(OUTBOX_PREFIX.length);
    const awayMs = Math.max(0, now.wallMs - Date.parse(at));
    const isKnown = this.#engine.recallOutbox(name, saved as SavedOutbox, awayMs, now);
    if (!isKnown) this.#deps.log.info('alert_channel_stale', { channel: name });
    return true;
  }

  /** Looks and sends no more; what was to be sent can still be saved. Idempotent. */
  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    for (const sender of this.#senders.values()) sender.close();
  }

  #adapt(channel: ChannelConfig): void {
    const known = this.#senders.get(channel.name);
    const deps = { environment: this.#deps.insight().configuration.environment, log: this.#deps.log };
    if (known === undefined) this.#senders.set(channel.name, new Sender(channel, deps));
    else known.channel = channel;
  }

  #remove(name: string, waiting: number): void {
    this.#senders.get(name)?.close();
    this.#senders.delete(name);
    this.#deps.log.warn('alert_channel_removed', { channel: name, lost: waiting });
    this.#deps.save(new Map([[OUTBOX_PREFIX + name, rowOf(null)]]));
  }

  #turn(): void {
    const insight = this.#deps.insight();
    const config = this.#config;
    if (insight.phase() === 'starting' || insight.isHeld() || config === null) return;
    const { contain } = insight.watches.defects;
    // Who cannot be looked at must not keep from anybody what was seen before.
    if (this.#pumps === 0) contain('alerts', () => this.#look(insight, config));
    this.#pumps = (this.#pumps + 1) % PUMPS_PER_LOOK;
    for (const { name } of config.channels) contain('alerts', () => this.#pump(name), name);
    contain('alerts', () => this.#saveNews());
  }

  #look(insight: Insight, { digest }: AlertsConfig): void {
    const { current } = insight.store;
    if (current === null) return;
    const now = bothClocks();
    this.#engine.look(conditionsOf(readingsOf(insight, current)), now);
    if (digest === null || !this.#digest.isDue(digest, now.wallMs)) return;
    this.#engine.note(digest.channels, digestOf(dayOf(insight, this.#engine.activeCount), now.wallMs), now);
    this.#deps.save(new Map([this.#engineRow()]));
  }

  #pump(name: string): void {
    const [outbox, sender] = [this.#engine.outbox(name), this.#senders.get(name)];
    if (outbox === null || sender === undefined) return;
    const message = outbox.next(nowMs());
    if (message !== null) void this.#send(message, outbox, sender);
  }

  /** Never rejects. */
  async #send(message: Message, outbox: Outbox, sender: Sender): Promise<void> {
    const outcome = await sender.send(message, this.#origin());
    if (this.#isClosed) return;
    if (outcome.kind === 'unusable') outbox.postpone(outcome.because, nowMs());
    else outbox.settle(outcome, bothClocks());
    const { name: channel, type } = sender.channel;
    if (outcome.kind === 'sent') this.#deps.log.info('alert_sent', { channel, type, message: message.id });
    else this.#deps.log.warn('alert_failed', { channel, type, message: message.id, ...outcome });
  }

  async #test(channel: ChannelConfig, by: string): Promise<AlertCommandResult> {
    const { wallMs: atMs } = bothClocks();
    const lines = [`a test of channel ${channel.name}, asked for by ${by}`];
    const message: Message = { id: 0, group: 'test', alerts: [], more: 0, note: { title: 'test', lines }, atMs };
    const beganMs = nowMs();
    const outcome = await (this.#senders.get(channel.name) as Sender).send(message, this.#origin());
    if (outcome.kind === 'sent') return { kind: 'sent', tookMs: Math.round(nowMs() - beganMs) };
    return { kind: 'failed', detail: `${channel.name}: ${outcome.kind}: ${outcome.because}` };
  }

  #retry(channels: readonly ChannelConfig[], by: string): AlertCommandResult {
    const now = bothClocks();
    const letters = channels.reduce((sum, { name }) => sum + (this.#engine.outbox(name)?.retry(now) ?? 0), 0);
    this.#deps.log.info('alert_retry', { channels: channels.map(({ name }) => name), letters, by });
    return { kind: 'retried', letters };
  }

  #origin(): { readonly gateway: string; readonly pageUrl: string } {
    const { store, adminUrl } = this.#deps.insight();
    const gateway = store.current === null ? '' : nameOf(store.current);
    return { gateway, pageUrl: this.#config?.pageUrl ?? adminUrl() };
  }

  #saveNews(): void {
    const rows = new Map<string, SavedBudget>();
    if (this.#engine.takeChanged()) rows.set(...this.#engineRow());
    for (const { name } of this.#config?.channels ?? []) {
      if (this.#engine.outbox(name)?.takeChanged() === true) rows.set(...this.#outboxRow(name));
    }
    if (rows.size > 0) this.#deps.save(rows);
  }

  #engineRow(): [string, SavedBudget] {
    const saved: SavedEngine = { ...this.#engine.save(), digestDay: this.#digest.day };
    return [ENGINE_KEY, rowOf(saved)];
  }

  #outboxRow(name: string): [string, SavedBudget] {
    return [OUTBOX_PREFIX + name, rowOf(this.#engine.outbox(name)?.save(nowMs()) ?? null)];
  }
}

/** @param saved null: nothing is kept */
function rowOf(saved: object | null): SavedBudget {
  const bytes = new Uint8Array(saved === null ? Buffer.alloc(0) : Buffer.from(JSON.stringify(saved)));
  return { format: FORMAT, bytes, at: new Date(bothClocks().wallMs).toISOString() };
}
