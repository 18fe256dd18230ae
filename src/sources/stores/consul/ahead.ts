/**
 * Looks for what changed before it is asked for: while the follower still waits for the writer to be done.
 *
 * ```
 *        begin                take, when the search is over
 * idle ────────▶ looking ───────────────────────────────────▶ going on ── goOn ──▶ idle
 *   ▲               │ take, when the watch has told: void                           ▲
 *   └───────────────┴───────────────────── end() from every state ──────────────────┘
 * ```
 * Two questions begin at once where a watch has told of a change: what became different up to that moment, and a watch for what
 * changes from then on. As long as that one is silent, what was found is what the source holds, and the same watch is the next that is
 * wanted: it goes on, and is not asked for twice. As soon as it tells, or fails, what was found is void: the writer was not done. So a
 * change is looked ahead for once, and nothing is told that was not the source's at one moment. A search that is void comes to its end
 * by itself, which leaves its connections open to the one that follows.
 */

/** What to ask. `Told` is what a watch brings with a change. */
export interface Looks<Told, Found> {
  /** Of the moment that the source has told of. */
  readonly revision: string;
  /** What became different up to that moment. */
  readonly search: (signal: AbortSignal) => Promise<Found>;
  /** What came after it; null: as long as it lasted, nothing did. */
  readonly watch: (signal: AbortSignal) => Promise<Told | null>;
}

/** `told`: what came instead, as far as it is known. */
export type Taken<Told, Found> =
  | { readonly kind: 'found'; readonly found: Found }
  | { readonly kind: 'void'; readonly told: Told | null };

interface Look<Told, Found> {
  readonly revision: string;
  readonly asked: AbortController;
  readonly found: Promise<Taken<Told, Found>>;
  /** Never, as long as what is found counts. */
  readonly voided: Promise<Taken<Told, Found>>;
  readonly next: Promise<Told | null>;
  /** The watch is over, and nothing changed. */
  isSame: boolean;
}

/** One look at a time. */
export class Ahead<Told, Found> {
  #look: Look<Told, Found> | null = null;

  /** Begins to look; an earlier look ends. */
  begin({ revision, search, watch }: Looks<Told, Found>): void {
    this.end();
    const asked = new AbortController();
    const next = watch(asked.signal);
    const found = search(asked.signal).then((one) => ({ kind: 'found', found: one }) as const);
    // Who takes it hears of a failure; when nobody does it is of no interest.
    found.catch(() => undefined);
    const voided = new Promise<Taken<Told, Found>>((resolve) => {
      const hear = (told: Told | null): void => {
        if (told === null) look.isSame = true;
        else resolve({ kind: 'void', told });
      };
      next.then(hear, () => resolve({ kind: 'void', told: null }));
    });
    const look: Look<Told, Found> = { revision, asked, found, voided, next, isSame: false };
    this.#look = look;
  }

  /**
   * What was found, as soon as that is over; null: nobody looks.
   * @throws whatever the search failed with, unless that is void
   */
  async take(signal: AbortSignal): Promise<Taken<Told, Found> | null> {
    const look = this.#look;
    if (look === null) return null;
    const forget = abortWith(signal, look.asked);
    try {
      const taken = await Promise.race([look.voided, look.found]);
      if (taken.kind === 'void' && this.#look === look) this.#look = null;
      return taken;
    } catch (error) {
      this.end();
      throw error;
    } finally {
      forget();
    }
  }

  /** The word of the watch that goes on from `revision`; null: none does, or it was over before. */
  async goOn(revision: string, signal: AbortSignal): Promise<Told | 'same' | null> {
    const look = this.#look;
    this.#look = null;
    if (look === null) return null;
    if (look.revision !== revision || look.isSame) {
      look.asked.abort();
      return null;
    }
    const forget = abortWith(signal, look.asked);
    try {
      return (await look.next) ?? 'same';
    } finally {
      forget();
    }
  }

  /** Gives up what is asked. Idempotent. */
  end(): void {
    this.#look?.asked.abort();
    this.#look = null;
  }
}

/** Aborts `asked` when `signal` is. @returns ends that */
function abortWith(signal: AbortSignal, asked: AbortController): () => void {
  const abort = (): void => asked.abort();
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  return () => signal.removeEventListener('abort', abort);
}
