/**
 * What helps to find out why a gateway does what it does, for bearers of the token alone: profiles, a heap snapshot, the
 * configuration in force, a report to hand on.
 *
 * ```
 * POST /api/v1/debug/profile         {"kind": "cpu", "thread": "main", "seconds": 5}   a profile for DevTools
 * POST /api/v1/debug/heap-snapshot   of the main thread, which serves no request; it stands still for a moment
 * GET  /api/v1/debug/config          as it is in force, with its defaults, without its secrets
 * GET  /api/v1/debug/report          versions, status, configuration, decisions, metrics: for a report of a bug
 * ```
 * One profile or snapshot at a time; the next one is refused (409). A profile names functions and times; a heap snapshot holds
 * the values of the control plane, secrets among them: keep it like one. The report holds no secret.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { arch, availableParallelism, platform, release, totalmem } from 'node:os';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ProfileKind, ProfileWish } from '../../model/threads/load/saturation.ts';
import { type AdminActions, admit, BODY_BYTES_MAX, bodyOf, cut, jsonObjectOf } from '../commands.ts';
import { type Answer, jsonReply, problemReply, type Reply, streamHeaders, whenGone } from '../reply.ts';
import type { AdminView } from '../view.ts';

/** Longest profile: less than the time after which a silent connection is cut. */
export const PROFILE_S_MAX = 10;
const PROFILE_S = 5;
const PROFILE_BYTES_MAX = 64 * 1_048_576;
/** Decisions in a report, the newest. */
const DECISIONS_MAX = 50;
const PATH = /^\/api\/v1\/debug\/(profile|heap-snapshot|config|report)$/;

/** What the gateway can tell of itself beyond its status. */
export interface DebugActions {
  /** JSON in UTF-8; null: there is no such thread. */
  profile(thread: string, wish: ProfileWish): Promise<Uint8Array> | null;
  /** Of the main thread. */
  heapSnapshot(): Readable;
  /** In force, without secrets. */
  config(): unknown;
}

export type DebugTarget = 'profile' | 'heap-snapshot' | 'config' | 'report';

/** What a path as received names; null when it is none of these. */
export function debugTarget(path: string): DebugTarget | null {
  return (PATH.exec(path)?.[1] as DebugTarget | undefined) ?? null;
}

/** Answers for all of these, and knows whether a profile is under way. */
export class Debug {
  readonly #view: AdminView;
  readonly #debug: DebugActions | null;
  #isBusy = false;

  /** @param debug null: nothing of the kind is answered */
  constructor(view: AdminView, debug: DebugActions | null) {
    this.#view = view;
    this.#debug = debug;
  }

  /** Answers a request; its host has been checked. */
  async answer(request: IncomingMessage, target: DebugTarget, actions: AdminActions | null): Promise<Answer> {
    const method = target === 'config' || target === 'report' ? 'GET' : 'POST';
    if (request.method !== method) return cut(405, `This is asked for with ${method}`, { allow: method });
    const admitted = admit(request, actions);
    if ('turned' in admitted) return admitted.turned;
    const body = await bodyOf(request);
    if (body === null) return cut(413, `At most ${BODY_BYTES_MAX} bytes of body are taken`);
    const debug = this.#debug;
    if (debug === null) return problemReply(404, 'This server tells nothing of the kind');
    if (target === 'config') return jsonReply(debug.config());
    if (target === 'report') return jsonReply(await this.#report(debug));
    return this.#alone(() => (target === 'profile' ? profile(debug, body) : snapshot(debug, body)));
  }

  /** Lets one in at a time; a streamed answer holds the place until it has been sent. */
  async #alone(make: () => Promise<Reply> | Answer): Promise<Answer> {
    if (this.#isBusy) return problemReply(409, 'Another profile or snapshot is being made: ask again when it is there');
    this.#isBusy = true;
    const free = (): void => {
      this.#isBusy = false;
    };
    let made: Answer | null = null;
    try {
      made = await make();
      if (!('take' in made)) return made;
      const { take } = made;
      return {
        take: (response) => {
          whenGone(response, free);
          take(response);
        },
      };
    } finally {
      if (made === null || !('take' in made)) free();
    }
  }

  async #report(debug: DebugActions): Promise<unknown> {
    const { version, node, v8, uv, openssl } = { ...process.versions, version: this.#view.status().version };
    return {
      sluice: version,
      runtime: { node, v8, uv, openssl },
      machine: {
        platform: platform(),
        release: release(),
        arch: arch(),
        processors: availableParallelism(),
        memory: totalmem(),
      },
      process: { memory: process.memoryUsage(), resources: process.resourceUsage() },
      status: this.#view.status(),
      config: debug.config(),
      revisions: this.#view.revisions(),
      decisions: this.#view.decisions().slice(-DECISIONS_MAX),
      metrics: (await this.#view.metrics()).body,
    };
  }
}

async function profile(debug: DebugActions, body: string): Promise<Reply> {
  const wish = wishOf(body);
  if (typeof wish === 'string') return problemReply(400, wish);
  const { kind, thread, seconds } = wish;
  const made = debug.profile(thread, { kind, lengthMs: seconds * 1000, bytesMax: PROFILE_BYTES_MAX });
  if (made === null)
    return problemReply(404, 'There is no such thread; the status lists them under saturation.threads');
  let bytes: Uint8Array;
  try {
    bytes = await made;
  } catch (error) {
    return problemReply(503, `There is no profile: ${error instanceof Error ? error.message : String(error)}`);
  }
  const name = `${thread}.${kind === 'cpu' ? 'cpuprofile' : 'heapprofile'}`;
  const headers = { 'content-disposition': `attachment; filename="${name}"` };
  return { status: 200, contentType: 'application/json', body: Buffer.from(bytes).toString('utf8'), headers };
}

/** What a body asks for, or what is wrong with it. */
function wishOf(
  text: string,
): { readonly kind: ProfileKind; readonly thread: string; readonly seconds: number } | string {
  const body = text.trim() === '' ? {} : jsonObjectOf(text);
  if (typeof body === 'string') return body;
  const { kind = 'cpu', thread = 'main', seconds = PROFILE_S, ...unknown } = body;
  if (Object.keys(unknown).length > 0) return 'The body may have the fields kind, thread and seconds, and no others';
  if (kind !== 'cpu' && kind !== 'heap') return 'kind is cpu or heap';
  if (typeof thread !== 'string' || !/^(?:main|worker-\d{1,4})$/.test(thread)) return 'thread is main, worker-0, …';
  const isLength = typeof seconds === 'number' && seconds > 0 && seconds <= PROFILE_S_MAX;
  return isLength ? { kind, thread, seconds } : `seconds is more than 0 and at most ${PROFILE_S_MAX}`;
}

function snapshot(debug: DebugActions, body: string): Answer {
  if (body.trim() !== '') return problemReply(400, 'A heap snapshot takes no body');
  return { take: (response) => void sendSnapshot(debug.heapSnapshot(), response) };
}

const SNAPSHOT_HEADERS = {
  ...streamHeaders('application/json'),
  'content-disposition': 'attachment; filename="main.heapsnapshot"',
};

/** Sends what there is; a reader that leaves ends it. */
async function sendSnapshot(stream: Readable, response: ServerResponse): Promise<void> {
  response.writeHead(200, SNAPSHOT_HEADERS);
  whenGone(response, () => stream.destroy());
  try {
    await pipeline(stream, response);
  } catch {
    // The head is out: all that can be said of a failure is a connection that ends in the middle.
    response.destroy();
  }
}
