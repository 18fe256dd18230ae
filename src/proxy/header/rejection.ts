/**
 * Answers that the gateway gives itself: a problem document per reason, and what filters answer.
 *
 * `application/problem+json` (RFC 9457), plain text where JSON is not accepted, with `Date`, `Proxy-Status` (RFC 9209) and
 * `Retry-After` where trying again later can help. Nothing the client sent is echoed but its request id, whose characters
 * are checked, and what a redirect or CORS have validated. Endpoints and versions are named to trusted proxies only.
 * A response that is cut short tells nobody why: a trailer with `Proxy-Status` needs the last chunk, and that would make
 * the body look complete.
 */

import { asciiOf } from '../../lib/text/ascii.ts';
import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import type { Peer } from '../decide/decide.ts';
import type { Exchange } from '../exchange.ts';
import type { Answer } from '../filter/filters.ts';
import { FIELD } from '../http1/fields/names.ts';
import { grpcLines, isGrpcFields, isGrpcHead } from './grpc.ts';
import { persistenceLine } from './response.ts';
import { GATEWAY_NAME } from './via.ts';

/** What an answer depends on. */
export interface Rejection {
  readonly reason: Reason;
  readonly status: number;
  readonly detail: string;
  readonly route: string;
  readonly requestId: string;
  /** Whom the request was sent to, `host:port`; empty where that is nobody or nobody's business. */
  readonly nextHop: string;
  readonly version: string;
  /** 0..1: spreads what is told to come back later. */
  readonly jitter: number;
  /** The line of this second. */
  readonly date: string;
  /** Further header lines, each with its CRLF. */
  readonly lines: string;
  readonly asJson: boolean;
  readonly isHead: boolean;
  readonly close: boolean;
}

/** The shed are told to come back within so many seconds, each at another. */
const RETRY_AFTER_S_SPREAD = 4;

const STATUS_TEXT: Readonly<Record<number, string>> = {
  204: 'No Content',
  301: 'Moved Permanently',
  302: 'Found',
  303: 'See Other',
  307: 'Temporary Redirect',
  308: 'Permanent Redirect',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
  508: 'Loop Detected',
};

const ALLOWED_METHODS = 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n';

/**
 * The status that stands for the failure of an exchange without a response: its reason's, or the one that was to be injected.
 * A client of gRPC gets 200 and `grpc-status`.
 */
export function statusOf({ reason, status }: Exchange): number {
  return reason === REASON.faultInjected && status !== 0 ? status : reasonRow(reason).status;
}

/** The answer to an exchange that failed. @param date the line of this second */
export function rejectionOf(x: Exchange, peer: Peer, date: string, close: boolean): string {
  const rejection: Rejection = {
    reason: x.reason,
    status: statusOf(x),
    detail: x.detail,
    route: x.route?.name ?? '',
    requestId: x.requestId,
    nextHop: peer.isTrusted ? (x.endpoint?.address ?? '') : '',
    version: peer.isTrusted ? (x.split?.version ?? '') : '',
    date,
    // A page of another origin is to see what went wrong as well.
    lines: x.answerLines,
    asJson: takesJson(x),
    isHead: x.isHead,
    close,
    jitter: x.reason === REASON.shed ? x.client.lane.random.nextFloat() : 0,
  };
  return isGrpc(x) ? grpcText(rejection) : rejectionText(rejection);
}

/** The same for a client of gRPC: one head, without a message. */
function grpcText(rejection: Rejection): string {
  const { title, proxyError } = reasonRow(rejection.reason);
  const { reason, detail, requestId, date, lines, close } = rejection;
  const message = grpcLines(reason, detail === '' ? title : `${title}: ${detail}`);
  const status = proxyError === '' ? '' : proxyStatusLine(proxyError, rejection);
  const id = requestId === '' ? '' : `X-Request-Id: ${requestId}\r\n`;
  const end = close ? 'Connection: close\r\n' : '';
  return `HTTP/1.1 200 OK\r\nContent-Type: application/grpc\r\nContent-Length: 0\r\n${message}${date}${lines}${status}${id}${end}\r\n`;
}

/** Is it a client of gRPC? By the head as it was read while that is there: then it need not become a text. */
export function isGrpc(x: Exchange): boolean {
  const { draft } = x.client.lane;
  return draft.of === x ? isGrpcFields(draft.asked) : isGrpcHead(x.requestText);
}

function takesJson(x: Exchange): boolean {
  const { draft } = x.client.lane;
  return draft.of === x ? isJson(draft.asked.value(FIELD.accept)) : acceptsJson(x.requestText);
}

/** The answer to what never became an exchange; its connection closes. @param date the line of this second */
export function refusalText(reason: Reason, detail: string, date: string): string {
  const unknown = { route: '', requestId: '', nextHop: '', version: '', jitter: 0 };
  return rejectionText({
    reason,
    status: reasonRow(reason).status,
    detail,
    ...unknown,
    date,
    lines: '',
    asJson: true,
    isHead: false,
    close: true,
  });
}

/**
 * The whole response, head and body, as Latin-1 text. Refusing has to be cheap (npm run bench:reject), and one refused request is
 * mostly answered as the one before it, but for its id: so the parts between which the id stands are kept.
 */
export function rejectionText(rejection: Rejection): string {
  const kept = keptOf(rejection);
  if (kept.last === null || !isAlike(kept.last, rejection)) {
    kept.parts = partsOf(rejection);
    kept.last = rejection;
  }
  return kept.parts.join(rejection.requestId);
}

/** What was answered last for a reason, with this status, form and time to come back after. */
interface Kept {
  last: Rejection | null;
  /** The request id stands between each two. */
  parts: readonly string[];
}

const KEPT = new Map<number, Kept>();
const STATUSES = 1000;

function keptOf(rejection: Rejection): Kept {
  const { reason, status, asJson } = rejection;
  const form = asJson ? 1 : 0;
  const at = ((reason * STATUSES + status) * 2 + form) * (RETRY_AFTER_S_SPREAD + 1) + retryAfterS(rejection);
  let kept = KEPT.get(at);
  if (kept === undefined) {
    kept = { last: null, parts: [] };
    KEPT.set(at, kept);
  }
  return kept;
}

/** Do two that are kept in the same place differ in their ids alone, and these not in length? */
function isAlike(a: Rejection, b: Rejection): boolean {
  const isSameBody = a.detail === b.detail && a.route === b.route && a.requestId.length === b.requestId.length;
  const isSameHead = a.date === b.date && a.lines === b.lines && a.nextHop === b.nextHop && a.version === b.version;
  return isSameBody && isSameHead && a.isHead === b.isHead && a.close === b.close;
}

/** @returns one part when there is no id, two when the body does not name it, else three. */
function partsOf(rejection: Rejection): readonly string[] {
  const { status, requestId } = rejection;
  const row = reasonRow(rejection.reason);
  const type = rejection.asJson ? 'application/problem+json' : 'text/plain; charset=utf-8';
  const body = rejection.asJson ? problemParts(rejection) : [`${status} ${row.title}: ${rejection.detail}\n`];
  let head = `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Error'}\r\nContent-Type: ${type}\r\n`;
  head += `Content-Length: ${body.join(requestId).length}\r\nCache-Control: no-store\r\n${rejection.date}${rejection.lines}`;
  if (row.proxyError !== '') head += proxyStatusLine(row.proxyError, rejection);
  let rest = '';
  if (status === 503) rest += `Retry-After: ${retryAfterS(rejection)}\r\n`;
  if (rejection.reason === REASON.methodRefused) rest += ALLOWED_METHODS;
  if (rejection.close) rest += 'Connection: close\r\n';
  const [beginning = '', ...more] = rejection.isHead ? [] : body;
  const end = `${rest}\r\n${beginning}`;
  return requestId === '' ? [head + end] : [`${head}X-Request-Id: `, `\r\n${end}`, ...more];
}

/** Those that an overload turns away must not all come back at once. */
function retryAfterS({ reason, jitter }: Rejection): number {
  return reason === REASON.shed ? 1 + Math.floor(jitter * RETRY_AFTER_S_SPREAD) : 1;
}

/** Does whoever sent this head take JSON? Also when it does not say. */
export function acceptsJson(head: string): boolean {
  return isJson(/\r\naccept:([^\r]*)/i.exec(head)?.[1] ?? null);
}

function isJson(accept: string | null): boolean {
  return accept === null || accept.includes('json') || accept.includes('*/*');
}

/** `sluice; error=connection_timeout; next-hop="10.0.0.3:80"; details="v2"`. Source: RFC 9209 section 2.1. */
export function proxyStatusLine(error: string, { nextHop, version }: Pick<Rejection, 'nextHop' | 'version'>): string {
  const hop = nextHop === '' ? '' : `; next-hop=${quoted(nextHop)}`;
  const details = version === '' ? '' : `; details=${quoted(version)}`;
  return `Proxy-Status: ${GATEWAY_NAME}; error=${error}${hop}${details}\r\n`;
}

/** A string of RFC 8941: printable ASCII; host and version names have nothing else in them. */
function quoted(text: string): string {
  return `"${text.replace(/[^ -~]/g, '?').replace(/["\\]/g, '\\$&')}"`;
}

/** The problem document; the request id, whose characters are checked, stands between the two if there is one. */
function problemParts({ reason, status, detail, route, requestId }: Rejection): readonly string[] {
  const { name, title } = reasonRow(reason);
  const members = { type: `urn:sluice:reason:${name}`, title, status, reason: name, detail };
  const text = asciiOf(JSON.stringify(route === '' ? members : { ...members, route })).slice(0, -1);
  return requestId === '' ? [`${text}}\n`] : [`${text},"requestId":"`, '"}\n'];
}

/** What a filter answers: a redirect or a preflight, without body. @param date the line of this second */
export function answerText(x: Exchange, answer: Answer, date: string, close: boolean): string {
  const length = answer.status === 204 ? '' : 'Content-Length: 0\r\n';
  const id = x.requestId === '' ? '' : `X-Request-Id: ${x.requestId}\r\n`;
  const persistence = persistenceLine(x.minor, close);
  const { status, lines } = answer;
  return `HTTP/1.1 ${status} ${STATUS_TEXT[status] ?? 'Answer'}\r\n${lines}${length}${date}${id}${persistence}\r\n`;
}

/** `OPTIONS *`, and OPTIONS with no forwards left, are about the gateway itself. Source: RFC 9110 section 9.3.7. */
export const OPTIONS_ANSWER: Answer = { status: 204, lines: ALLOWED_METHODS };
