/**
 * Contains defects: what a part of the control plane throws that nothing expected is told once, counted, and costs no other part.
 *
 * The data plane runs in threads of its own and needs nothing of this one at a request, so that the worst that a defect here can
 * cost is what its part would have done (docs/adr/0038). A kind is one error at one place of the program: each is told when it
 * first comes, and then at most once an hour with how often it came since. Before the gateway serves nothing is contained: a start
 * that fails must fail, so that whoever serves goes on.
 *
 * What an error says is in the log alone: anybody who can reach the admin server reads the status.
 */

import { nowMs as monotonicMs, wallTime as wallClock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { errorKind } from '../../lib/text/error-kind.ts';
import {
  DEFECT_CODE,
  DEFECT_PARTS,
  type DefectPart,
  type DefectStatus,
  type DefectsStatus,
} from '../../model/threads/load/defects.ts';

/** Kinds that are told apart; further ones are counted by their part alone. */
export const KINDS_MAX = 50;
export const RETELL_MS = 3_600_000;

const HINT =
  'the part named goes on or is tried again, and traffic is not concerned; report this line, without what its message may quote, and begin anew with `sluice restart` when it lasts';

export interface DefectsDeps {
  readonly log: Pick<Log, 'error'>;
  readonly nowMs?: () => number;
  readonly wallTime?: () => string;
}

interface Kind {
  readonly status: { -readonly [K in keyof DefectStatus]: DefectStatus[K] };
  toldAtMs: number;
  untold: number;
}

export class Defects {
  readonly #log: DefectsDeps['log'];
  readonly #nowMs: () => number;
  readonly #wallTime: () => string;
  readonly #counts = Object.fromEntries(DEFECT_PARTS.map((part) => [part, 0])) as Record<DefectPart, number>;
  readonly #kinds = new Map<string, Kind>();
  #isServing = false;

  constructor({ log, nowMs = monotonicMs, wallTime = wallClock }: DefectsDeps) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.#wallTime = wallTime;
  }

  /** The gateway serves: from now on defects are contained. */
  begin(): void {
    this.#isServing = true;
  }

  /**
   * Does a part of the work; what it throws goes no further.
   * @param about route, service or source
   * @throws what `act` throws, before `begin`
   */
  readonly contain = (part: DefectPart, act: () => void, about = ''): void => {
    try {
      act();
    } catch (error) {
      this.note(part, error, about);
    }
  };

  /** A defect that goes no further. @throws it, before `begin` */
  note(part: DefectPart, error: unknown, about = ''): void {
    if (!this.#isServing) throw error;
    this.#counts[part] += 1;
    const name = errorKind(error);
    const key = `${part} ${name}`;
    const kind = this.#kinds.get(key) ?? this.#begin(key, part, name);
    if (kind === null) return;
    const { status } = kind;
    status.about = about;
    status.lastAt = this.#wallTime();
    status.count += 1;
    this.#tell(kind, error);
  }

  get status(): DefectsStatus {
    return { counts: { ...this.#counts }, kinds: [...this.#kinds.values()].map(({ status }) => ({ ...status })) };
  }

  #begin(key: string, part: DefectPart, name: string): Kind | null {
    if (this.#kinds.size >= KINDS_MAX) return null;
    const at = this.#wallTime();
    const kind: Kind = {
      status: { code: DEFECT_CODE, part, about: '', kind: name, count: 0, firstAt: at, lastAt: at },
      toldAtMs: Number.NEGATIVE_INFINITY,
      untold: 0,
    };
    this.#kinds.set(key, kind);
    return kind;
  }

  #tell(kind: Kind, error: unknown): void {
    const atMs = this.#nowMs();
    if (atMs - kind.toldAtMs < RETELL_MS) {
      kind.untold += 1;
      return;
    }
    const { code, part, about, kind: name, count } = kind.status;
    this.#log.error('defect', { code, part, about, kind: name, count, untold: kind.untold, error, hint: HINT });
    kind.toldAtMs = atMs;
    kind.untold = 0;
  }
}
