/**
 * Answers that the gateway gives itself: one problem document per reason.
 *
 * `application/problem+json` (RFC 9457), plain text where JSON is not accepted, with `Proxy-Status` (RFC 9209) and
 * `Retry-After` where trying again later can help. Nothing the client sent is echoed but its request id, whose characters are checked.
 */

import { REASON, type Reason, reasonRow } from '../model/reason.ts';

/** What an answer depends on. */
export interface Rejection {
  readonly reason: Reason;
  readonly detail: string;
  readonly route: string;
  readonly requestId: string;
  readonly asJson: boolean;
  readonly isHead: boolean;
  readonly close: boolean;
}

const STATUS_TEXT: Readonly<Record<number, string>> = {
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
};

const ALLOWED_METHODS = 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n';

/** The whole response, head and body, as Latin-1 text. */
export function rejectionText(rejection: Rejection): string {
  const row = reasonRow(rejection.reason);
  const body = rejection.asJson ? problemDocument(rejection) : `${row.status} ${row.title}: ${rejection.detail}\n`;
  const type = rejection.asJson ? 'application/problem+json' : 'text/plain; charset=utf-8';
  let head = `HTTP/1.1 ${row.status} ${STATUS_TEXT[row.status] ?? 'Error'}\r\nContent-Type: ${type}\r\n`;
  head += `Content-Length: ${body.length}\r\nCache-Control: no-store\r\n`;
  if (row.proxyError !== '') head += `Proxy-Status: sluice; error=${row.proxyError}\r\n`;
  if (rejection.requestId !== '') head += `X-Request-Id: ${rejection.requestId}\r\n`;
  if (row.status === 503) head += 'Retry-After: 1\r\n';
  if (rejection.reason === REASON.methodRefused) head += ALLOWED_METHODS;
  if (rejection.close) head += 'Connection: close\r\n';
  return rejection.isHead ? `${head}\r\n` : `${head}\r\n${body}`;
}

/** Does whoever sent this head take JSON? Also when it does not say. */
export function acceptsJson(head: string): boolean {
  const accept = /\r\naccept:([^\r]*)/i.exec(head)?.[1];
  return accept === undefined || accept.includes('json') || accept.includes('*/*');
}

function problemDocument(rejection: Rejection): string {
  const row = reasonRow(rejection.reason);
  const members: Record<string, string | number> = {
    type: `urn:sluice:reason:${row.name}`,
    title: row.title,
    status: row.status,
    detail: rejection.detail,
    reason: row.name,
  };
  if (rejection.route !== '') members['route'] = rejection.route;
  if (rejection.requestId !== '') members['requestId'] = rejection.requestId;
  // ASCII only: heads and bodies leave in one Latin-1 write.
  const ascii = JSON.stringify(members).replace(
    /[^\0-\x7f]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return `${ascii}\n`;
}

/** `OPTIONS *` is about the gateway itself. Source: RFC 9110 section 9.3.7. */
export function optionsText(close: boolean): string {
  return `HTTP/1.1 204 No Content\r\n${ALLOWED_METHODS}${close ? 'Connection: close\r\n' : ''}\r\n`;
}
