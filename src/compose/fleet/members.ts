/**
 * Which other gateways were heard of lately, and where their admin servers are.
 */

import type { Hello } from '../../fleet/evidence/words.ts';
import type { FleetMember } from '../../model/threads/fleet.ts';

/** Others beyond are not listed; `fleet/evidence/merge.ts` has the same bound. */
const MEMBERS_MAX = 64;
/** Whoever said nothing for so long is not shown any more. */
const SILENT_MS = 10_000;

export class Members {
  readonly #members = new Map<string, Hello & { heardAtMs: number }>();

  /** Notes that somebody is there. False when there is no room. */
  heard({ id, member, adminUrl }: Hello, nowMs: number): boolean {
    if (!this.#members.has(id)) {
      if (this.#members.size >= MEMBERS_MAX) this.#forget(nowMs);
      if (this.#members.size >= MEMBERS_MAX) return false;
    }
    this.#members.set(id, { id, member, adminUrl, heardAtMs: nowMs });
    return true;
  }

  /** By name. */
  list(nowMs: number): FleetMember[] {
    this.#forget(nowMs);
    return [...this.#members.values()]
      .map(({ heardAtMs, ...member }) => ({ ...member, heardMs: Math.round(nowMs - heardAtMs) }))
      .toSorted((a, b) => (a.member < b.member ? -1 : 1));
  }

  find(id: string): Hello | null {
    return this.#members.get(id) ?? null;
  }

  nameOf(id: string): string | null {
    return this.#members.get(id)?.member ?? null;
  }

  #forget(nowMs: number): void {
    for (const [id, { heardAtMs }] of this.#members) if (nowMs - heardAtMs > SILENT_MS) this.#members.delete(id);
  }
}
