/**
 * Live requests for bearers of the token: `GET /api/v1/tap`, as server-sent events until the reader leaves.
 *
 * ```
 * GET /api/v1/tap?route=shop&version=v2&color=canary&status=5xx&outcome=failed&rate=10
 * event: request   one that the filter lets through, with the fields of the access log but `sampleRatio`, and `pinned`
 * event: counts    each second: how many it let through since the beginning, and how many of them were not shown, and why
 * ```
 * A reader that takes nothing is kept nothing for: what comes meanwhile is counted as dropped, and after `STALL_MS` it is cut.
 * Another token in the configuration ends the streams of the one before.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { asciiOf } from '../../lib/text/ascii.ts';
import { REASONS, type Reason } from '../../model/reason.ts';
import { TAP_RATE_MAX, type TapCounts, type TapFilter, type TapWish } from '../../model/threads/requests/tap.ts';
import { type AdminActions, admit, cut } from '../commands.ts';
import { STALL_MS } from '../page/stream.ts';
import { type Answer, problemReply, streamHeaders, whenGone } from '../reply.ts';

/** Requests a second where nothing is said. */
export const TAP_RATE = 10;
const COUNTS_MS = 1000;
/** What may wait for a reader before it counts as stuck: more than a batch at the highest rate. */
const WAITING_BYTES_MAX = 512 * 1024;
const NAME_MAX = 253;
const PARAMETERS = ['route', 'version', 'color', 'status', 'outcome', 'rate'];

/** A request as a tap is shown it. */
export type TappedRequest = Readonly<Record<string, unknown>>;

/** Who is shown requests. */
export interface TapReader {
  /** @param counts since it was called last; those that `requests` has are among `matched` */
  take(requests: readonly TappedRequest[], counts: TapCounts): void;
}

export type TapAnswer =
  | { readonly kind: 'open'; readonly close: () => void }
  /** No such route or version. */
  | { readonly kind: 'unknown'; readonly detail: string }
  | { readonly kind: 'busy'; readonly detail: string };

/** Where live requests come from. */
export interface TapSource {
  open(wish: TapWish, reader: TapReader): TapAnswer;
}

/** Whether a path as received is this one. */
export function isTap(path: string): boolean {
  return /^\/api\/v1\/tap(?:\?|$)/.test(path);
}

/** All readers of live requests. */
export class Tapping {
  readonly #source: TapSource | null;
  readonly #nowMs: () => number;
  readonly #open = new Set<Session>();

  /** @param nowMs the monotonic clock */
  constructor(source: TapSource | null, nowMs: () => number) {
    this.#source = source;
    this.#nowMs = nowMs;
  }

  /** Answers a request; its host has been checked. */
  answer(request: IncomingMessage, target: string, actions: AdminActions | null): Answer {
    if (request.method !== 'GET') return cut(405, 'Live requests are read with GET', { allow: 'GET' });
    const admitted = admit(request, actions);
    if ('turned' in admitted) return admitted.turned;
    if (Number(request.headers['content-length'] ?? 0) > 0 || request.headers['transfer-encoding'] !== undefined) {
      return cut(413, 'No request body is taken here');
    }
    if (this.#source === null) return problemReply(404, 'This server shows no requests');
    const wish = wishOf(new URL(target, 'http://admin').searchParams);
    if (typeof wish === 'string') return problemReply(400, wish);
    const session = new Session(this.#nowMs);
    const opened = this.#source.open(wish, session);
    if (opened.kind === 'unknown') return problemReply(404, opened.detail);
    if (opened.kind === 'busy') return problemReply(503, opened.detail, { 'retry-after': '10', connection: 'close' });
    const hash = admitted.actions.tokenHash();
    const mayGoOn = (): boolean => admitted.actions.tokenHash() === hash;
    return { take: (response) => this.#begin(session, response, { close: opened.close, mayGoOn }) };
  }

  /** Ends every answer. */
  close(): void {
    for (const session of this.#open) session.end();
  }

  #begin(
    session: Session,
    response: ServerResponse,
    { close, mayGoOn }: { readonly close: () => void; readonly mayGoOn: () => boolean },
  ): void {
    this.#open.add(session);
    const timer = setInterval(() => {
      if (mayGoOn()) session.tell();
      else session.end();
    }, COUNTS_MS).unref();
    session.begin(response);
    whenGone(response, () => {
      clearInterval(timer);
      this.#open.delete(session);
      close();
    });
  }
}

/** One reader. */
class Session implements TapReader {
  readonly #nowMs: () => number;
  readonly #counts = { matched: 0, shown: 0, overRate: 0, dropped: 0 };
  #response: ServerResponse | null = null;
  /** Since when a write has not been taken; null: it has. */
  #stuckSinceMs: number | null = null;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  begin(response: ServerResponse): void {
    this.#response = response;
    response.on('error', () => response.destroy());
    response.on('drain', () => {
      this.#stuckSinceMs = null;
    });
    response.writeHead(200, STREAM_HEADERS);
    this.tell();
  }

  take(requests: readonly TappedRequest[], { matched, overRate, dropped }: TapCounts): void {
    const counts = this.#counts;
    counts.matched += matched;
    counts.overRate += overRate;
    counts.dropped += dropped;
    for (const request of requests) {
      if (this.#write('request', request)) counts.shown++;
      else counts.dropped++;
    }
  }

  /** Tells the counts, and cuts a reader that takes nothing. */
  tell(): void {
    if (this.#stuckSinceMs === null) this.#write('counts', this.#counts);
    else if (this.#nowMs() - this.#stuckSinceMs > STALL_MS) this.#response?.destroy();
  }

  end(): void {
    this.#response?.end();
  }

  #write(name: string, data: unknown): boolean {
    const response = this.#response;
    if (response === null || this.#stuckSinceMs !== null || response.writableEnded) return false;
    const isTaken = response.write(`event: ${name}\ndata: ${asciiOf(JSON.stringify(data))}\n\n`);
    if (!isTaken && response.writableLength > WAITING_BYTES_MAX) this.#stuckSinceMs = this.#nowMs();
    return true;
  }
}

const STREAM_HEADERS = { ...streamHeaders('text/event-stream; charset=utf-8'), 'x-accel-buffering': 'no' };

/** What is asked for, or what is wrong with it. */
function wishOf(query: URLSearchParams): TapWish | string {
  const unknown = [...query.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) return `A tap has ${PARAMETERS.join(', ')}, and no others`;
  if (new Set(query.keys()).size !== query.size) return 'Each parameter is given once';
  const [route, version, color] = ['route', 'version', 'color'].map((name) => query.get(name));
  for (const name of [route, version, color]) {
    if (name !== null && (name === '' || (name as string).length > NAME_MAX))
      return `A name has 1 to ${NAME_MAX} characters`;
  }
  const status = statusOf(query.get('status'));
  if (status === undefined) return 'status is as 404, 5xx, 400-499 or none';
  const outcome = outcomeOf(query.get('outcome'));
  if (outcome === undefined) return 'outcome is ok, failed, or a reason of docs/reasons.md';
  const rate = query.get('rate') ?? String(TAP_RATE);
  const perSecond = /^\d{1,3}$/.test(rate) ? Number(rate) : 0;
  if (perSecond < 1 || perSecond > TAP_RATE_MAX) return `rate is a whole number from 1 to ${TAP_RATE_MAX}`;
  return {
    filter: { route: route ?? null, version: version ?? null, color: color ?? null, status, outcome },
    perSecond,
  };
}

/** Undefined: it is none. */
function statusOf(text: string | null): TapFilter['status'] | undefined {
  if (text === null) return null;
  if (text === 'none') return [0, 0];
  const [, hundreds] = /^([1-5])xx$/.exec(text) ?? [];
  if (hundreds !== undefined) return [Number(hundreds) * 100, Number(hundreds) * 100 + 99];
  const [, least = '', most = least] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(text) ?? [];
  return least === '' || Number(most) < Number(least) ? undefined : [Number(least), Number(most)];
}

/** Undefined: it is none. */
function outcomeOf(text: string | null): TapFilter['outcome'] | undefined {
  if (text === null || text === 'ok' || text === 'failed') return text;
  const reason = REASONS.findIndex(({ name }) => name === text);
  return reason === -1 ? undefined : (reason as Reason);
}
