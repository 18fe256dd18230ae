/**
 * From what is so now to what every channel is told: conditions ▸ alerts ▸ rules ▸ outboxes, and once more while they go on.
 *
 * Pure but for its memory; clocks and chance are handed in, and nothing is sent here.
 *
 * An alert that goes on is told again after `repeatMs`, in Alertmanager after RENEW_MS, because there it ends by itself. It is
 * not told again to a channel that has not yet been told what it had to be told before.
 */

import {
  type ActiveAlert,
  type Alert,
  type AlertsConfig,
  CHATS,
  type ChannelConfig,
  type Condition,
} from '../../model/threads/load/alerts.ts';
import { type Instant, Outbox, type OutboxOptions, type SavedOutbox } from './outbox.ts';
import { channelsFor } from './rules.ts';
import { type Tracked, Tracker } from './tracker.ts';

export const RENEW_MS = 60_000;
const ACTIVE_SHOWN_MAX = 100;

/** Plain data. */
export interface SavedAlerts {
  readonly tracked: readonly Tracked[];
  /** Wall clock of the last time that an alert was told to a channel, by `channel fingerprint`. */
  readonly toldAtMs: Readonly<Record<string, number>>;
}

export class AlertEngine {
  readonly #draw: () => number;
  readonly #tracker = new Tracker();
  readonly #outboxes = new Map<string, Outbox>();
  /** As in SavedAlerts; entries of alerts that are over are forgotten. */
  readonly #told = new Map<string, number>();
  #config: AlertsConfig | null = null;
  #isChanged = false;

  /** @param draw uniform in [0, 1) */
  constructor(draw: () => number) {
    this.#draw = draw;
  }

  /** Takes in the alerts of a configuration. What waits for a channel that is no more goes with it. @returns names of those */
  follow(config: AlertsConfig | null): string[] {
    this.#config = config;
    const channels = new Map((config?.channels ?? []).map((channel) => [channel.name, channel]));
    for (const channel of channels.values()) this.#adapt(channel);
    const gone = [...this.#outboxes.keys()].filter((name) => !channels.has(name));
    for (const name of gone) this.#outboxes.delete(name);
    return gone;
  }

  /** What waits for a channel of the configuration; null: there is none of that name. */
  outbox(name: string): Outbox | null {
    return this.#outboxes.get(name) ?? null;
  }

  get activeCount(): number {
    return this.#tracker.active.length;
  }

  /** Conditions for which there was no room. */
  get dropped(): number {
    return this.#tracker.dropped;
  }

  /** The newest that go on, newest last. */
  active(): ActiveAlert[] {
    return this.#tracker.active.slice(-ACTIVE_SHOWN_MAX).map(({ startedAtMs, ...alert }) => {
      const { fingerprint, kind, severity, route, service, sentence } = alert;
      return { fingerprint, kind, severity, route, service, sentence, since: new Date(startedAtMs).toISOString() };
    });
  }

  /** Takes in what is so now. */
  look(conditions: readonly Condition[], now: Instant): void {
    const changes = this.#tracker.look(conditions, now.wallMs);
    for (const { kind, alert } of changes) this.#tell(alert, kind !== 'taken', now);
    if (changes.length > 0) this.#isChanged = true;
    for (const alert of this.#tracker.ours) this.#repeat(alert, now);
    if (changes.length > 0) this.#forget(this.#tracker.active);
  }

  /** Tells text to these channels. */
  note(
    channels: readonly string[],
    note: { readonly title: string; readonly lines: readonly string[] },
    now: Instant,
  ): void {
    for (const name of channels) this.#outboxes.get(name)?.note(note, now);
  }

  /** Whether alerts, other than what outboxes hold, are to be saved since the last time that it was asked. */
  takeChanged(): boolean {
    const isChanged = this.#isChanged;
    this.#isChanged = false;
    return isChanged;
  }

  /** For the state store. */
  save(): SavedAlerts {
    return { tracked: this.#tracker.save(), toldAtMs: Object.fromEntries(this.#told) };
  }

  /** Goes on where an earlier process stopped. */
  recall({ tracked, toldAtMs }: SavedAlerts, wallMs: number): void {
    this.#tracker.recall(tracked, wallMs);
    for (const [key, atMs] of Object.entries(toldAtMs)) if (!this.#told.has(key)) this.#told.set(key, atMs);
  }

  /** The same of what waited for a channel, `awayMs` ago; false: there is no such channel. */
  recallOutbox(name: string, saved: SavedOutbox, awayMs: number, now: Instant): boolean {
    const outbox = this.#outboxes.get(name);
    outbox?.recall(saved, awayMs, now);
    return outbox !== undefined;
  }

  #adapt({ name, type, perMinute }: ChannelConfig): void {
    const groupMs = this.#config?.groupMs ?? 0;
    const options = { perMinute, groupMs, ...shapeOf(type), draw: this.#draw };
    const known = this.#outboxes.get(name);
    if (known === undefined) this.#outboxes.set(name, new Outbox(options));
    else known.options = options;
  }

  /** Channels that an alert goes to: one that lasts no time has no place where alerts begin and end. */
  #channelsOf(alert: Alert): ChannelConfig[] {
    if (this.#config === null) return [];
    const wanted = new Set(channelsFor(this.#config, alert));
    return this.#config.channels.filter(({ name, type }) => {
      return wanted.has(name) && (alert.severity !== 'info' || CHATS.has(type));
    });
  }

  /** @param isNew false: others have told of it */
  #tell(alert: Alert, isNew: boolean, now: Instant): void {
    for (const { name } of this.#channelsOf(alert)) {
      if (isNew) this.#outboxes.get(name)?.add(alert, now);
      this.#told.set(`${name} ${alert.fingerprint}`, now.wallMs);
    }
  }

  #repeat(alert: Alert, now: Instant): void {
    if (alert.severity === 'info' || this.#config === null) return;
    for (const { name, type } of this.#channelsOf(alert)) {
      const key = `${name} ${alert.fingerprint}`;
      const afterMs = type === 'alertmanager' ? RENEW_MS : this.#config.repeatMs;
      const toldAtMs = this.#told.get(key);
      // Of an alert that began before the channel was there nobody was told.
      const agoMs = toldAtMs === undefined ? Number.POSITIVE_INFINITY : now.wallMs - toldAtMs;
      // The wall clock may have been set back.
      const isDue = agoMs >= afterMs || agoMs < 0;
      const outbox = this.#outboxes.get(name);
      if (!isDue || outbox === undefined || outbox.awaits(alert.fingerprint)) continue;
      outbox.add(alert, now);
      this.#told.set(key, now.wallMs);
      this.#isChanged = true;
    }
  }

  #forget(active: readonly Alert[]): void {
    const known = new Set(active.map(({ fingerprint }) => fingerprint));
    for (const key of this.#told.keys()) {
      if (!known.has(key.slice(key.lastIndexOf(' ') + 1))) this.#told.delete(key);
    }
  }
}

/** PagerDuty takes one alert at a time. Alertmanager has to be told every one: there they begin and end. */
function shapeOf(type: ChannelConfig['type']): Pick<OutboxOptions, 'isSingle' | 'isComplete'> {
  return { isSingle: type === 'pagerduty', isComplete: type === 'alertmanager' };
}
