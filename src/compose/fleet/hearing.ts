/**
 * Hears what gateways of a fleet publish: words go to the node, evidence to the judge, a greeting to the list of members.
 *
 * Whoever can write to Redis can write anything: what is neither is counted, and told of now and then. Nothing here throws.
 */

import { hasEvidence, MESSAGE_CHARS_MAX, parseMessage } from '../../fleet/evidence/words.ts';
import type { FleetNode } from '../../fleet/node.ts';
import type { RedisStore } from '../../fleet/redis/store.ts';
import type { Log } from '../../lib/log.ts';
import type { RolloutNews } from '../../model/threads/fleet.ts';
import type { FleetEvidence } from './evidence.ts';
import type { Members } from './members.ts';

/** Messages that are refused are told of at most so often: whoever writes them may write thousands. */
const REFUSED_MS = 10_000;

export type MessageKind = 'word' | 'evidence';

export interface HearingDeps {
  /** Of this process. */
  readonly id: string;
  readonly log: Log;
  readonly members: Members;
  readonly evidence: FleetEvidence;
  readonly nowMs: () => number;
}

/** Whom words are for. */
interface Listeners {
  readonly node: FleetNode<RolloutNews>;
  readonly store: RedisStore<RolloutNews>;
}

export class Hearing {
  readonly #deps: HearingDeps;
  readonly counts = { taken: 0, refused: 0 };
  /** When a message of our own came back, or time began to count in which none did. */
  selfAtMs: number;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: HearingDeps) {
    this.#deps = deps;
    this.selfAtMs = deps.nowMs();
  }

  hear(kind: MessageKind, text: string, to: Listeners): void {
    try {
      const problem = kind === 'word' ? this.#hearWord(text, to) : this.#hearEvidence(text, to);
      if (problem !== '') this.refuse(kind, problem);
    } catch (error) {
      this.refuse(kind, error instanceof Error ? error.message : String(error));
    }
  }

  /** A message is left out. */
  refuse(kind: MessageKind, because: string): void {
    const { nowMs, log } = this.#deps;
    this.counts.refused += 1;
    if (nowMs() - this.#toldAtMs < REFUSED_MS) return;
    this.#toldAtMs = nowMs();
    log.warn('fleet_message_refused', { kind, because, refused: this.counts.refused });
  }

  /** Why it is left out; empty: it is not. */
  #hearWord(text: string, { store, node }: Listeners): string {
    const heard = text.length > MESSAGE_CHARS_MAX ? null : store.heard(text);
    if (heard === null) return 'it is no word on a rollout';
    node.heard(heard.resource, heard.word);
    return '';
  }

  #hearEvidence(text: string, { node }: Listeners): string {
    const { id, members, evidence, nowMs } = this.#deps;
    const message = parseMessage(text);
    if (message === null) return 'it is no evidence';
    if (message.id === id) {
      this.selfAtMs = nowMs();
      return '';
    }
    const hasRoom = members.heard(message, nowMs());
    if (!hasRoom || (hasEvidence(message) && node.isConnected && !evidence.take(message))) {
      return `there is no room for another gateway, ${message.member}`;
    }
    this.counts.taken += 1;
    return '';
  }
}
