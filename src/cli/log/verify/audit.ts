/**
 * Audits a whole log: the chain of decisions, the chains of the tapes, and every decision against its tape.
 */

import type { Decision, LoggedDecision } from '../../../model/slo.ts';
import type { RevertDecision } from '../../../model/threads/revision.ts';
import type { LogLine } from '../../../model/threads/state.ts';
import { Chain } from './chain.ts';
import { revertFaults } from './revert.ts';
import { Watch } from './watch.ts';

/** `verified`: it is what its evidence says. `refuted`: it is not. `unfounded`: its evidence is not there any more. */
export type Result = 'verified' | 'refuted' | 'unfounded';

export interface Finding {
  readonly seq: number;
  readonly id: number;
  readonly at: string;
  readonly sentence: string;
  readonly result: Result;
  /** Why it is not verified. */
  readonly faults: readonly string[];
}

/** Something that is wrong with the log itself. */
export interface Damage {
  /** `decision 3`, `segment 2 of the tape …`, `log`. */
  readonly where: string;
  readonly what: string;
}

export interface Audit {
  readonly ok: boolean;
  /** The first of every chain. */
  readonly damages: readonly Damage[];
  readonly decisions: readonly Finding[];
  readonly head: { readonly seq: number; readonly hash: string };
  readonly tapes: number;
  readonly looks: number;
}

/** What somebody knows of the log from elsewhere. */
export interface KnownHead {
  readonly seq: number;
  readonly hash: string;
}

interface Entry {
  readonly seq: number;
  readonly hash: string;
  readonly decision: LoggedDecision;
}

interface Tape {
  readonly chain: Chain;
  readonly watch: Watch;
  /** Why nothing on it can be derived from here on; null while it can. */
  broken: string | null;
}

/** @throws what `lines` throws */
export function audit(lines: Iterable<LogLine>, known: KnownHead | null = null): Audit {
  const one = new Auditor();
  for (const line of lines) one.take(line);
  return one.result(known);
}

class Auditor {
  readonly #damages: Damage[] = [];
  readonly #chain = new Chain();
  readonly #entries: Entry[] = [];
  #isBroken = false;
  #head: KnownHead | null = null;
  readonly #letGo = new Map<string, number>();
  readonly #tapes = new Map<string, Tape>();
  /** By tape and id; made when the first segment comes. */
  #byWatch: ReadonlyMap<string, ReadonlyMap<number, Decision>> | null = null;

  take(line: LogLine): void {
    switch (line.kind) {
      case 'decision':
        this.#decision(line);
        break;
      case 'head':
        this.#head = { seq: line.seq, hash: line.hash };
        break;
      case 'letGo':
        this.#letGo.set(line.watch, line.segments);
        break;
      case 'segment':
        this.#segment(line);
        break;
      default:
        line satisfies never;
    }
  }

  result(known: KnownHead | null): Audit {
    this.#checkHead(this.#head, 'the log says so itself');
    this.#checkHead(known, 'as you said');
    for (const [watch, { watch: one }] of this.#tapes) {
      one.end();
      for (const what of one.faults) this.#damages.push({ where: `tape ${watch}`, what });
    }
    const decisions = this.#entries.map((entry) => this.#findingOf(entry));
    const isRefuted = decisions.some(({ result }) => result === 'refuted');
    return {
      ok: this.#damages.length === 0 && !isRefuted,
      damages: this.#damages,
      decisions,
      head: { seq: this.#chain.number, hash: this.#chain.head },
      tapes: this.#tapes.size,
      looks: [...this.#tapes.values()].reduce((sum, { watch }) => sum + watch.looks, 0),
    };
  }

  #decision({ seq, previous, hash, body }: Extract<LogLine, { kind: 'decision' }>): void {
    const wrong = this.#chain.follow({ number: seq, previous, hash, content: body });
    if (wrong !== null && !this.#isBroken) {
      this.#isBroken = true;
      this.#damages.push({ where: `decision ${seq}`, what: wrong });
    }
    try {
      this.#entries.push({ seq, hash, decision: JSON.parse(body) as LoggedDecision });
    } catch (error) {
      this.#damages.push({ where: `decision ${seq}`, what: `it is no JSON: ${String(error)}` });
    }
  }

  #segment(segment: Extract<LogLine, { kind: 'segment' }>): void {
    const { watch: name, number, previous, hash, bytes } = segment;
    const tape = this.#tapeOf(name);
    const letGo = this.#letGo.get(name) ?? 0;
    const isCut = tape.chain.number === 0 ? number > 1 && letGo > 0 : number > tape.chain.number + 1 && letGo > 0;
    const wrong = tape.chain.follow({ number, previous, hash, content: bytes });
    if (isCut) {
      tape.broken ??= `${letGo} segments of its tape were let go`;
      return;
    }
    if (wrong !== null && tape.broken === null) {
      this.#damages.push({ where: `segment ${number} of the tape ${name}`, what: wrong });
      tape.broken = 'its tape was changed';
    }
    if (tape.broken === null) this.#play(tape, segment);
  }

  #play(tape: Tape, { watch, number, hash, bytes }: Extract<LogLine, { kind: 'segment' }>): void {
    try {
      tape.watch.take({ watch, number, hash, bytes });
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      this.#damages.push({ where: `segment ${number} of the tape ${watch}`, what: `it cannot be read: ${what}` });
      tape.broken = 'its tape cannot be read';
    }
  }

  #tapeOf(name: string): Tape {
    this.#byWatch ??= byWatch(this.#entries);
    let tape = this.#tapes.get(name);
    if (tape === undefined) {
      tape = { chain: new Chain(), watch: new Watch(this.#byWatch.get(name) ?? new Map()), broken: null };
      this.#tapes.set(name, tape);
    }
    return tape;
  }

  #checkHead(head: KnownHead | null, because: string): void {
    if (head === null) return;
    const entry = this.#entries.find(({ seq }) => seq === head.seq);
    const there = `the log should have decision ${head.seq} with hash ${head.hash.slice(0, 12)} (${because})`;
    if (entry === undefined) this.#damages.push({ where: 'log', what: `${there} and ends at ${this.#chain.number}` });
    else if (entry.hash !== head.hash) this.#damages.push({ where: 'log', what: `${there}, and has another one` });
  }

  #findingOf({ seq, decision }: Entry): Finding {
    const { id, at, sentence } = decision;
    const result = decision.kind === 'revert' ? revertResult(decision) : this.#resultOf(decision);
    return { seq, id, at, sentence, ...result };
  }

  #resultOf({ id, certificate }: Partial<Decision> & Pick<Decision, 'id'>): Pick<Finding, 'result' | 'faults'> {
    if (certificate === undefined) return unfounded('it is of a release without certificates');
    if (certificate.evidence === null) return unfounded('nothing was recorded');
    const { watch } = certificate.evidence;
    const tape = this.#tapes.get(watch);
    const faults = tape?.watch.found.get(id);
    if (faults !== undefined) return { result: faults.length === 0 ? 'verified' : 'refuted', faults };
    const broken = tape?.broken ?? null;
    if (broken !== null) return unfounded(broken);
    const letGo = this.#letGo.get(watch) ?? 0;
    if (tape === undefined && letGo > 0) return unfounded(`its tape was let go (${letGo} segments)`);
    return { result: 'refuted', faults: ['no tape has it, and none was let go'] };
  }
}

/** A revert has its evidence with it. */
function revertResult(decision: RevertDecision): Pick<Finding, 'result' | 'faults'> {
  const faults = revertFaults(decision);
  if (faults === null) return unfounded('it was convicted too late for its evidence to be kept');
  return { result: faults.length === 0 ? 'verified' : 'refuted', faults };
}

function unfounded(because: string): Pick<Finding, 'result' | 'faults'> {
  return { result: 'unfounded', faults: [because] };
}

function byWatch(entries: readonly Entry[]): Map<string, Map<number, Decision>> {
  const all = new Map<string, Map<number, Decision>>();
  for (const { decision } of entries) {
    if (decision.kind === 'revert') continue;
    const name = (decision as Partial<Decision>).certificate?.evidence?.watch;
    if (name === undefined) continue;
    const one = all.get(name) ?? new Map<number, Decision>();
    all.set(name, one.set(decision.id, decision));
  }
  return all;
}
