/**
 * Reads the bytes of a tape as rows.
 *
 * Written anew from the description in docs/STATE.md "The tape", not shared with what writes tapes.
 */

/** The second is of rollouts of several routes. In both, endpoints were told by their slots, which stayed. */
const FORMATS = [1, 2, 3];
const TICK_MS = 100;
const THRESHOLDS = 6;

/** Canary finished, canary bad, stable finished, stable bad. */
export type Four = readonly [number, number, number, number];

/** One route of several in a look. */
export interface RouteLook {
  readonly requests: Four;
  readonly users: Four;
}

/** Who is judged and by what, as far as a decision can be derived from it. */
export interface Terms {
  readonly route: string;
  /** Further routes; absent without any. */
  readonly companions?: readonly { readonly route: string }[];
  readonly service: string;
  readonly stable: { readonly version: string; readonly weight: number };
  readonly canary: {
    readonly version: string;
    readonly weight: number;
    readonly endpoints: readonly number[];
    /** Names of the endpoints; absent where these are their names. */
    readonly addresses?: readonly string[];
  };
  readonly alpha: number;
  readonly toleratedRatio: number;
  readonly badMin: number;
  readonly absoluteFloor: number;
  readonly promotion: { readonly beta: number; readonly ratioMax: number; readonly errorRatioMax: number };
  readonly latencyTolerance: number;
  readonly latencyFloorMs: number;
  readonly shadows: readonly ShadowTerms[];
  readonly plan: {
    readonly steps: readonly Step[];
    readonly needsEvidence: boolean;
    readonly requestsMin: number;
    readonly stepMaxMs: number;
    readonly onStepMax: 'pause' | 'rollback';
    readonly bakeMs: number;
  } | null;
  readonly budgetRatio: number;
  readonly budgetPolicy: {
    readonly freeze: boolean;
    readonly slowBelowRatio: number;
    readonly releaseAllowanceRatio: number;
  };
  readonly generation: string;
  readonly revision: number;
}

export interface Step {
  readonly percent: number;
  readonly dwellMs: number;
}

/** A policy beside the one in force. */
export type ShadowTerms = { readonly name: string } & Pick<
  Terms,
  'alpha' | 'toleratedRatio' | 'badMin' | 'absoluteFloor' | 'promotion'
>;

/** A rollout where a tape begins; later ones follow from the decisions. */
export interface Memory {
  readonly state: {
    readonly kind: string;
    readonly step?: number;
    readonly sinceMs?: number;
    readonly waitingSinceMs?: number;
    readonly pausedAtMs?: number;
    readonly by?: string;
  };
  readonly ladder: readonly Step[];
  readonly fixReason: string;
  readonly leftAtStart: number | null;
  readonly spentBefore: number;
  readonly undo: Omit<Memory, 'undo'> | null;
}

/** What an endpoint is called: its address, or in earlier formats its slot. */
export type Name = string | number;

/** Where a tape begins. */
export interface Opening {
  readonly watch: string;
  readonly spec: Terms;
  readonly rollout: Memory;
  readonly rolledBackBy: unknown;
}

/** What a decision carries that no evidence leads to. */
export interface Facts {
  readonly id: number;
  readonly at: string;
  readonly shadow: string | null;
  readonly decidedAtMs: number;
  readonly switchedInMs: number;
  readonly weightBefore: number;
  readonly weightAfter: number;
  /** Ends the sentence; empty: nothing does. */
  readonly why: string;
  readonly canaryMs: number | null;
  readonly stableMs: number | null;
}

export interface Limits {
  readonly stableMs: readonly number[];
  readonly canaryMs: readonly number[];
}

export interface Command {
  readonly name: string;
  readonly by: string;
  readonly isFix: boolean;
  readonly reason: string;
}

export interface Budget {
  readonly ratio: number | null;
  readonly events: number | null;
  readonly alert: string | null;
}

export interface LookRow {
  readonly kind: 'look';
  readonly nowMs: number;
  readonly requests: Four;
  readonly users: Four;
  readonly isConsistent: boolean;
  /** Finished and bad of each endpoint; null when they were not counted. */
  readonly attempts: readonly (readonly [number, number])[] | null;
  /** One per threshold; null: all zero. */
  readonly trials: readonly Four[] | null;
  /** One per route of several; null: all zero. */
  readonly routes: readonly RouteLook[] | null;
}

export type Row =
  | LookRow
  | { readonly kind: 'open'; readonly nowMs: number; readonly open: Opening }
  | { readonly kind: 'freeze'; readonly nowMs: number; readonly limits: Limits | null }
  | { readonly kind: 'skip'; readonly nowMs: number; readonly gapMs: number }
  | { readonly kind: 'weigh'; readonly nowMs: number; readonly weight: number }
  | {
      readonly kind: 'spec';
      readonly nowMs: number;
      readonly spec: Terms;
      readonly isFresh: boolean;
      readonly isNew: boolean;
    }
  | { readonly kind: 'budget'; readonly nowMs: number; readonly budget: Budget }
  | { readonly kind: 'command'; readonly nowMs: number; readonly command: Command }
  | { readonly kind: 'note'; readonly nowMs: number; readonly firstAtMs: number; readonly ids: readonly string[] }
  | { readonly kind: 'decided'; readonly nowMs: number; readonly facts: Facts }
  | { readonly kind: 'meet'; readonly nowMs: number; readonly names: readonly Name[] };

const ZERO: Four = [0, 0, 0, 0];

/** Follows one tape, segment by segment. */
export class Rows {
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #nowMs = 0;
  #budget: Budget = { ratio: null, events: null, alert: null };

  /** @throws Error, RangeError when the bytes are no rows */
  *of(bytes: Uint8Array): Generator<Row> {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = 0;
    while (this.#at < this.#bytes.length) {
      const code = this.#byte();
      if (code >= 128) yield this.#look(code - 128);
      else if (code === 1) {
        const count = this.#whole();
        for (let n = 0; n < count; n++) yield { ...this.#look(0) };
      } else yield this.#row(code);
    }
  }

  #row(code: number): Row {
    switch (code) {
      case 2:
        return this.#open();
      case 3:
        return { kind: 'freeze', nowMs: this.#nowMs, limits: this.#limits() };
      case 4:
        return { kind: 'skip', nowMs: this.#time(), gapMs: this.#real() };
      case 5:
        return { kind: 'weigh', nowMs: this.#time(), weight: this.#whole() };
      case 6:
        return {
          kind: 'spec',
          nowMs: this.#time(),
          ...(this.#json() as { spec: Terms; isFresh: boolean; isNew: boolean }),
        };
      case 7:
        return { kind: 'budget', nowMs: this.#nowMs, budget: this.#nextBudget() };
      case 8:
        return { kind: 'command', nowMs: this.#time(), command: this.#json() as Command };
      case 9:
        return { kind: 'note', nowMs: this.#nowMs, firstAtMs: this.#real(), ids: this.#ids() };
      case 10:
        return { kind: 'decided', nowMs: this.#nowMs, facts: this.#json() as Facts };
      case 11:
        return { kind: 'meet', nowMs: this.#time(), names: this.#json() as Name[] };
      default:
        throw new Error(`a row of code ${code} is not known`);
    }
  }

  #open(): Row {
    const open = this.#json() as Opening & { readonly format: number; readonly nowMs: number };
    if (!FORMATS.includes(open.format)) {
      throw new Error(`its tape has format ${open.format}, known are ${FORMATS.join(', ')}`);
    }
    this.#nowMs = open.nowMs;
    return { kind: 'open', nowMs: open.nowMs, open };
  }

  #look(parts: number): LookRow {
    const nowMs = this.#time();
    const requests = (parts & 1) === 0 ? ZERO : this.#four();
    const users = (parts & 2) === 0 ? ZERO : this.#four();
    const attempts = (parts & 8) === 0 ? null : this.#attempts();
    const trials = (parts & 16) === 0 ? null : Array.from({ length: THRESHOLDS }, () => this.#four());
    const routes = (parts & 32) === 0 ? null : this.#routes();
    return { kind: 'look', nowMs, requests, users, isConsistent: (parts & 4) === 0, attempts, trials, routes };
  }

  #attempts(): (readonly [number, number])[] {
    return Array.from({ length: this.#whole() }, () => [this.#whole(), this.#whole()] as const);
  }

  #routes(): RouteLook[] {
    return Array.from({ length: this.#whole() }, () => ({ requests: this.#four(), users: this.#four() }));
  }

  #limits(): Limits | null {
    if (this.#byte() === 0) return null;
    const six = (): number[] => Array.from({ length: THRESHOLDS }, () => this.#real());
    return { stableMs: six(), canaryMs: six() };
  }

  #ids(): string[] {
    return Array.from({ length: this.#whole() }, () => this.#raw().toString('hex'));
  }

  #nextBudget(): Budget {
    const bits = this.#byte();
    const next = <T>(yes: number, no: number, before: T, read: () => T): T | null =>
      (bits & yes) !== 0 ? read() : (bits & no) !== 0 ? null : before;
    const ratio = next(1, 8, this.#budget.ratio, () => this.#real());
    const events = next(2, 16, this.#budget.events, () => this.#real());
    const alert = next(4, 32, this.#budget.alert, () => this.#raw().toString('utf8'));
    this.#budget = { ratio, events, alert };
    return this.#budget;
  }

  #four(): Four {
    return [this.#whole(), this.#whole(), this.#whole(), this.#whole()];
  }

  #time(): number {
    const coded = this.#whole();
    this.#nowMs += TICK_MS + (coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2);
    return this.#nowMs;
  }

  #json(): unknown {
    return JSON.parse(this.#raw().toString('utf8'));
  }

  #raw(): Buffer {
    const length = this.#whole();
    if (this.#at + length > this.#bytes.length) throw new RangeError('a text goes beyond its segment');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  #whole(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#byte();
      value += (byte % 128) * scale;
      if (byte < 128) return value;
      scale *= 128;
      if (scale > Number.MAX_SAFE_INTEGER) throw new RangeError('a number has no end');
    }
  }

  #real(): number {
    this.#at += 8;
    return this.#bytes.readDoubleLE(this.#at - 8);
  }

  #byte(): number {
    this.#at += 1;
    return this.#bytes.readUInt8(this.#at - 1);
  }
}
