/**
 * Contains defects: what a part of the control plane throws that nothing expected is told once, counted, and costs no other part.
 *
 * The data plane runs in threads of its own and needs nothing of this one at a request, so that the worst that a defect here can
 * cost is what its part would have done (docs/adr/0038). A kind is one error at one place of the program: each is told when it
 * first comes, and then at most once an hour with how often it came since. Before the gateway serves nothing is contained: a start
 * that fails must fail, so that whoever serves goes on.
 */

import { basename } from 'node:path';
import { nowMs as monotonicMs, wallTime as wallClock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
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
/** Longest part of an error's message that is kept, in characters. */
const MESSAGE_MAX = 500;

const HINT =
  'the part named goes on or is tried again, and traffic is not concerned; report this line, and begin anew with `sluice restart` when it lasts';

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
    const where = placeOf(error);
    const key = `${part} ${nameOf(error)} ${where}`;
    const kind = this.#kinds.get(key) ?? this.#begin(key, part, where);
    if (kind === null) return;
    const { status } = kind;
    status.about = about;
    status.message = messageOf(error);
    status.lastAt = this.#wallTime();
    status.count += 1;
    this.#tell(kind, error);
  }

  get status(): DefectsStatus {
    return { counts: { ...this.#counts }, kinds: [...this.#kinds.values()].map(({ status }) => ({ ...status })) };
  }

  #begin(key: string, part: DefectPart, where: string): Kind | null {
    if (this.#kinds.size >= KINDS_MAX) return null;
    const at = this.#wallTime();
    const kind: Kind = {
      status: { code: DEFECT_CODE, part, about: '', message: '', where, count: 0, firstAt: at, lastAt: at },
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
    const { code, part, about, where, count } = kind.status;
    this.#log.error('defect', { code, part, about, where, count, untold: kind.untold, error, hint: HINT });
    kind.toldAtMs = atMs;
    kind.untold = 0;
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, MESSAGE_MAX);
}

/** `judgement.ts:68:5`, the topmost place that the error's stack names; empty without one. */
function placeOf(error: unknown): string {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const place = /^ +at .*?([^\s()]+:\d+:\d+)\)?$/m.exec(stack)?.[1];
  return place === undefined ? '' : basename(place);
}
