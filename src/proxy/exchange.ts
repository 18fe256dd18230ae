/**
 * One request and its response on its way through the gateway. Hot path.
 *
 * One object per request, every field set in the constructor, so that all exchanges share one hidden class. It pins the
 * route table it started with. Who decides writes the decision fields; who forwards writes the progress fields.
 */

import { REASON, type Reason } from '../model/reason.ts';
import type { Drawn } from './access-log.ts';
import type { LinkedRoute, LinkedSplit, RouteTable } from './decide/table.ts';
import type { Answer } from './filter/filters.ts';
import type { Endpoint } from './forward/endpoint.ts';
import type { ClientConnection } from './http1/connection.ts';
import type { UpstreamConnection } from './http1/upstream.ts';

export class Exchange {
  readonly client: ClientConnection;
  readonly table: RouteTable;
  readonly startedAtMs: number;
  // The request.
  method = '';
  target = '';
  minor = 1;
  /** Body bytes, or CHUNKED; 0 without a body. */
  bodyLength = 0;
  keepAlive = true;
  /** The client takes trailer fields, and may send some. */
  wantsTrailers = false;
  requestId = '';
  // The decision.
  route: LinkedRoute | null = null;
  /** How much of the path the rule's prefix took; the whole path when it is longer (decide/rules.ts). */
  prefixLength = 0;
  /** A filter answered: nothing is forwarded. */
  answer: Answer | null = null;
  /** What the route's CORS filter adds to the response, each line with its CRLF. */
  corsLines = '';
  split: LinkedSplit | null = null;
  isPinned = false;
  userKey = 0;
  /** For the access log, if the request was drawn for it. */
  drawn: Drawn | null = null;
  // Progress.
  /** Head to send upstream; kept until the response starts, for another attempt. */
  requestText = '';
  endpoint: Endpoint | null = null;
  upstream: UpstreamConnection | null = null;
  attempts = 0;
  attemptAtMs = 0;
  /** The attempt went out on a connection that had served before: its end may be the keep-alive race. */
  isOnReused = false;
  /** Body bytes went upstream, or are gone: no other attempt can be made. */
  bodyTouched = false;
  requestDone = false;
  /** The client waits for a 100 before it sends its body: until then the upstream owes a word, not the client. */
  awaitsContinue = false;
  responseStarted = false;
  isFinished = false;
  /** When the response must have begun, all attempts together; the clock starts when the request is complete. */
  deadlineAtMs = Number.POSITIVE_INFINITY;
  // The outcome.
  endedAtMs = 0;
  status = 0;
  reason: Reason = REASON.none;
  detail = '';

  constructor(client: ClientConnection, table: RouteTable, startedAtMs: number) {
    this.client = client;
    this.table = table;
    this.startedAtMs = startedAtMs;
  }

  /** The request is complete: from now on the upstream owes an answer. */
  startClock(nowMs: number): void {
    if (this.route !== null) this.deadlineAtMs = nowMs + this.route.requestTimeoutMs;
  }

  get isHead(): boolean {
    return this.method === 'HEAD';
  }

  /** Methods that may be sent twice. Source: RFC 9110 section 9.2.2. */
  get isIdempotent(): boolean {
    switch (this.method) {
      case 'GET':
      case 'HEAD':
      case 'PUT':
      case 'DELETE':
      case 'OPTIONS':
        return true;
      default:
        return false;
    }
  }
}
