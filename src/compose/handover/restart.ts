/**
 * A gateway's part in restarts, as one thing: whom it takes over from, to whom it hands over, which process a supervisor
 * is to follow. Joins the hand-over to the world: this process's command line, its clock and timers.
 */

import { nowMs, wallTime } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { Config } from '../../model/config.ts';
import type { GatewayOptions } from '../../model/gateway.ts';
import { formatProblem, SluiceError } from '../../model/problem.ts';
import type { Given, RestartAnswer, RestartStatus } from '../../model/threads/handover.ts';
import { boundTo } from '../../proxy/wire/inherited.ts';
import { Handover, type HandoverDeps } from './handover.ts';
import { type Listening, type OpenSockets, planListening, socketsToPass } from './listening.ts';
import { notifyReady } from './notify.ts';
import { type Origin, originOf } from './origin.ts';
import { type Owned, ownedBy } from './owners.ts';
import { PidFile } from './pid-file.ts';
import { type Sockets, startSuccessor } from './successor.ts';

/** For a successor that has the state, until it serves: opening the file alone may take 10 s on a disk that hangs. */
const TAKE_MS = 20_000;
/** Problems of a document that the old process is told; the others stand in the new one's output. */
const PROBLEMS_TOLD = 3;

export interface RestartDeps extends Pick<HandoverDeps, 'save' | 'tickets' | 'resume' | 'leave'> {
  readonly log: Log;
  readonly env: Record<string, string | undefined>;
  readonly options: Pick<GatewayOptions, 'pidFile' | 'isTied' | 'restartTimeoutMs' | 'orphaned'>;
  /** Drains this process once it serves: the one before it was told to end. */
  readonly ended: () => void;
}

/** One for the process. @throws SluiceError SLU_RESTART_FAILED, SLU_LISTEN_FAILED when what was passed is not understood */
export class Restart {
  readonly #log: Log;
  readonly #env: RestartDeps['env'];
  readonly #isTied: boolean;
  readonly #origin: Origin;
  readonly #handover: Handover;
  readonly #pidFile: PidFile;
  /** The process before this one may still call off its succession, and then decides again. */
  #isTaking: boolean;
  /** The configuration that the listening sockets were opened for, and those of them that were passed. */
  #opened: { readonly config: Config; readonly owned: Owned } | null = null;

  constructor({ log, env, options, save, tickets, resume, leave, ended }: RestartDeps) {
    this.#log = log;
    this.#env = env;
    this.#isTied = options.isTied;
    this.#origin = originOf(env, {
      channel: process,
      pid: process.pid,
      events: { orphaned: options.orphaned ?? (() => undefined), ended },
    });
    this.#isTaking = this.#origin.heir !== null;
    this.#pidFile = new PidFile({ path: options.pidFile, pid: process.pid, log });
    const { pid, execPath: program, execArgv } = process;
    const line = { program, argv: [...execArgv, ...process.argv.slice(1)], env, pid };
    this.#handover = new Handover({
      log,
      limits: { prepareMs: options.restartTimeoutMs, takeMs: TAKE_MS },
      nowMs,
      wallTime,
      setTimer,
      startSuccessor: (sockets, events) => startSuccessor(line, sockets, events),
      save,
      tickets,
      resume: async () => {
        await resume();
        this.#pidFile.write();
        await notifyReady({ env, pid, log });
      },
      leave,
    });
  }

  // ── taking over ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Whether another process serves until this one does. */
  get isHeir(): boolean {
    return this.#origin.heir !== null;
  }

  /** The admin server's socket, if one was passed for its address; undefined: it opens one. Known once listening is planned. */
  get adminFd(): number | undefined {
    return this.#opened?.owned.admin?.fds[0];
  }

  /** How the workers listen. @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED, also when a socket is nobody's */
  planListening(config: Config): Promise<Listening> {
    const owned = ownedBy(config, this.#origin, boundTo);
    this.#opened = { config, owned };
    return planListening(config, owned);
  }

  /** Waits for the state of the process before this one, if there is one. @throws SluiceError SLU_RESTART_FAILED */
  async take(stateDirectory: string | null): Promise<Given> {
    return (await this.#origin.heir?.prepared(stateDirectory)) ?? NOTHING_GIVEN;
  }

  /** This process serves. */
  async serving(): Promise<void> {
    const { heir } = this.#origin;
    this.#pidFile.write();
    await notifyReady({ env: this.#env, pid: process.pid, log: this.#log });
    if (heir === null) return;
    await heir.serving();
    this.#isTaking = false;
    this.#log.info('taken_over', { predecessor: heir.predecessor });
  }

  /** This process will not serve. */
  async failed(error: unknown): Promise<void> {
    const problems = error instanceof SluiceError ? error.problems.map(formatProblem) : [];
    const because = [error instanceof Error ? error.message : String(error), ...problems.slice(0, PROBLEMS_TOLD)];
    await this.#origin.heir?.failed(because.join('; '));
  }

  // ── handing over ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nothing is decided here now: another process is taking over, or has; or this one has not said yet that it serves. */
  get isHeld(): boolean {
    return this.#isTaking || this.#handover.isHeld;
  }

  /** The process before this one serves until this one does. */
  get isTaking(): boolean {
    return this.#isTaking;
  }

  /** Another process is taking over, or has. */
  get isHandingOver(): boolean {
    return this.#handover.isHeld;
  }

  status(): RestartStatus {
    return this.#handover.status();
  }

  /** @param open null: this process does not serve */
  begin(by: string, open: OpenSockets | null): RestartAnswer {
    const passed = this.#isTied ? TIED : this.#passed(open);
    const answer: RestartAnswer =
      typeof passed === 'string' ? { kind: 'refused', detail: passed } : this.#handover.begin(passed, by);
    if (answer.kind === 'refused') this.#log.warn('restart_refused', { by, because: answer.detail });
    return answer;
  }

  #passed(open: OpenSockets | null): Sockets | string {
    if (open === null || this.#opened === null) return NOT_SERVING;
    return socketsToPass(this.#opened.config, this.#opened.owned, open);
  }

  /** A worker has died. */
  crippled(worker: number): void {
    this.#handover.crippled(`worker ${worker} of this process died; try again`);
  }

  /** Ends what is under way; resolves when this process decides again, or has been succeeded. */
  async stop(): Promise<void> {
    await this.#handover.stop('this process was told to end');
  }

  close(): void {
    this.#pidFile.remove();
  }
}

const NOTHING_GIVEN: Given = { state: null, tickets: null, ask: () => Promise.resolve(null) };
const TIED = 'This gateway ends with the process that started it (--with-parent); no other can take its place';
const NOT_SERVING = 'This gateway does not serve now';

function setTimer(ms: number, due: () => void): () => void {
  const timer = setTimeout(due, ms);
  return () => clearTimeout(timer);
}
