/**
 * Parses off the main thread: 10,000 routes take seconds, and nobody would watch the canaries meanwhile.
 *
 * ```
 * parse ─ small ─▶ in place, if nothing else is under way
 *       └ large ─▶ the thread, one job at a time; of those that wait, the newest alone is done
 * ```
 * The thread is started by the first large job and kept, with its memory of what it read: both sides say what became different. When it dies or takes longer
 * than `timeoutMs`, the job is tried once more in a new one; when that fails too the job fails, and the last good
 * configuration stays.
 */

import { Worker } from 'node:worker_threads';
import type { Config } from '../model/config.ts';
import { SluiceError } from '../model/problem.ts';
import { applyEdits, editsOf } from '../model/threads/parsing/edits.ts';
import type { FromParser, ParseSetup, ToParser } from '../model/threads/parsing/parse.ts';
import type { SourceDocument } from './document/pieces.ts';
import type { Parsed } from './parse.ts';

/** In place this takes at most 0.15 s, about as long as to start a thread. */
export const IN_PLACE_CHARS_MAX = 65_536;
/** 16 MiB take half a minute; on a busy machine more. */
const TIMEOUT_MS = 300_000;
const TRIES = 2;

export interface ParserOptions {
  /** The file that runs in the thread. */
  readonly file: URL;
  readonly setup: ParseSetup;
  readonly parseHere: (documents: readonly SourceDocument[]) => Parsed;
  /** The thread died, and why. */
  readonly onDeath: (because: string) => void;
  readonly timeoutMs?: number;
}

const NOTHING = { services: [], routes: [] };

interface Job {
  readonly id: number;
  readonly documents: readonly SourceDocument[];
  readonly resolve: (parsed: Parsed | null) => void;
  readonly reject: (error: Error) => void;
  tries: number;
}

export class Parser {
  readonly #options: ParserOptions;
  #worker: Worker | null = null;
  /** What the thread was told last, and the lists that it last gave. */
  #told: readonly SourceDocument[] = [];
  #given: Pick<Config, 'services' | 'routes'> = NOTHING;
  #current: Job | null = null;
  #next: Job | null = null;
  #timer: NodeJS.Timeout | null = null;
  #ids = 0;
  #isClosed = false;

  constructor(options: ParserOptions) {
    this.#options = options;
  }

  /**
   * Parses documents. Resolves with null when newer ones came while these waited, or everything was closed.
   * @throws SluiceError `SLU_CONFIG_INVALID` when the thread died over them
   */
  parse(documents: readonly SourceDocument[]): Promise<Parsed | null> {
    if (this.#isClosed) return Promise.resolve(null);
    if (this.#current === null && isSmall(documents)) return Promise.resolve(this.#options.parseHere(documents));
    return new Promise((resolve, reject) => {
      this.#next?.resolve(null);
      this.#next = { id: ++this.#ids, documents, resolve, reject, tries: 0 };
      this.#begin();
    });
  }

  /** Ends the thread; what was asked for is answered with null. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#current?.resolve(null);
    this.#next?.resolve(null);
    this.#current = null;
    this.#next = null;
    await this.#end();
  }

  #begin(): void {
    if (this.#current !== null || this.#next === null) return;
    this.#current = this.#next;
    this.#next = null;
    this.#send(this.#current);
  }

  #send(job: Job): void {
    job.tries += 1;
    const worker = this.#worker ?? this.#spawn();
    worker.ref();
    const { timeoutMs = TIMEOUT_MS } = this.#options;
    this.#timer = setTimeout(() => this.#died(worker, `no result within ${timeoutMs} ms`), timeoutMs);
    worker.postMessage({ id: job.id, documents: editsOf(this.#told, job.documents) } satisfies ToParser);
    this.#told = job.documents;
  }

  #spawn(): Worker {
    const worker = new Worker(this.#options.file, { workerData: this.#options.setup, name: 'sluice-parser' });
    let cause = 'it left without a word';
    worker.on('error', (error) => {
      cause = error instanceof Error ? error.message : String(error);
    });
    worker.once('exit', () => this.#died(worker, cause));
    worker.on('message', (answer: FromParser) => {
      if (this.#worker !== worker) return;
      const parsed = this.#whole(answer);
      if (this.#current?.id === answer.id) this.#done(parsed);
    });
    this.#worker = worker;
    this.#told = [];
    this.#given = NOTHING;
    return worker;
  }

  /** What did not change is the same object as in the answer before. */
  #whole({ parsed, lists }: FromParser): Parsed {
    const answer = parsed as Parsed;
    if (!answer.ok || lists === null) return answer;
    const services = applyEdits(this.#given.services, lists.services);
    const routes = applyEdits(this.#given.routes, lists.routes);
    this.#given = { services, routes };
    return { ...answer, config: { ...answer.config, services, routes } };
  }

  #done(parsed: Parsed): void {
    this.#stopTimer();
    this.#worker?.unref();
    const job = this.#current;
    this.#current = null;
    this.#begin();
    job?.resolve(parsed);
  }

  #died(worker: Worker, because: string): void {
    if (worker !== this.#worker) return;
    void this.#end();
    this.#options.onDeath(because);
    const job = this.#current;
    if (job === null) return;
    if (job.tries < TRIES) {
      this.#send(job);
      return;
    }
    this.#current = null;
    this.#begin();
    job.reject(new SluiceError('SLU_CONFIG_INVALID', `the thread that parses died over the document: ${because}`));
  }

  async #end(): Promise<void> {
    this.#stopTimer();
    const worker = this.#worker;
    this.#worker = null;
    await worker?.terminate();
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function isSmall(documents: readonly SourceDocument[]): boolean {
  let chars = 0;
  return documents.every(({ text }) => {
    chars += text.length;
    return chars <= IN_PLACE_CHARS_MAX;
  });
}
