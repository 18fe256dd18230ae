/**
 * One channel as it is sent to: its secrets are read, the request is made and signed, the reply is judged.
 */

import { isDeepStrictEqual } from 'node:util';
import { ChannelClient } from '../../../export/alerts/client.ts';
import { askFor } from '../../../export/alerts/formats/ask.ts';
import type { Origin } from '../../../export/alerts/text.ts';
import { bothClocks } from '../../../lib/clock.ts';
import type { Log } from '../../../lib/log.ts';
import type { ChannelConfig, Message, Outcome } from '../../../model/threads/load/alerts.ts';
import { DISK } from '../../../sources/disk.ts';
import { type Access, readAccess } from './secrets.ts';

export interface SenderDeps {
  readonly log: Pick<Log, 'error' | 'info'>;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export class Sender {
  readonly #deps: SenderDeps;
  #channel: ChannelConfig;
  /** With what it was opened; null: nothing was sent yet. */
  #open: { readonly client: ChannelClient; readonly ca: string | null } | null = null;
  #unusable = '';

  constructor(channel: ChannelConfig, deps: SenderDeps) {
    this.#channel = channel;
    this.#deps = deps;
    // Said at once, and not when somebody is to be woken.
    void this.#access();
  }

  get channel(): ChannelConfig {
    return this.#channel;
  }

  /** Takes other settings, if they are others: what is under way ends then. */
  set channel(channel: ChannelConfig) {
    if (isDeepStrictEqual(channel, this.#channel)) return;
    this.close();
    this.#channel = channel;
    void this.#access();
  }

  /** Why nothing can be sent; empty: it can. */
  get unusable(): string {
    return this.#unusable;
  }

  /** Never rejects. `unusable`: there is no URL or key, and nothing was tried. */
  async send(
    message: Message,
    origin: Origin,
  ): Promise<Outcome | { readonly kind: 'unusable'; readonly because: string }> {
    const access = await this.#access();
    if (access === null) return { kind: 'unusable', because: this.#unusable };
    const { wallMs } = bothClocks();
    const ask = askFor(this.#channel, message, { url: access.url, secret: access.secret, wallMs }, origin);
    return this.#client(access.ca).send(ask, access.secrets, wallMs);
  }

  /** Ends what is under way; the next message opens it again. */
  close(): void {
    this.#open?.client.close();
    this.#open = null;
  }

  /** null: there is none, which is said once. */
  async #access(): Promise<Access | null> {
    const { name } = this.#channel;
    try {
      const access = await readAccess(this.#channel, this.#deps.environment, DISK);
      if (this.#unusable !== '') this.#deps.log.info('alert_channel_usable', { channel: name });
      this.#unusable = '';
      return access;
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error);
      if (because !== this.#unusable) this.#deps.log.error('alert_channel_unusable', { channel: name, because });
      this.#unusable = because;
      return null;
    }
  }

  #client(ca: string | null): ChannelClient {
    if (this.#open === null || this.#open.ca !== ca) {
      this.close();
      const { type, timeoutMs } = this.#channel;
      this.#open = { client: new ChannelClient({ type, timeoutMs, ca }), ca };
    }
    return this.#open.client;
  }
}
