/**
 * gRPC where the gateway itself has to speak it: what is a request of gRPC, how long it may take, and answers of the gateway's own
 * in its form.
 *
 * An answer without messages is one head: HTTP status 200 with `grpc-status` and `grpc-message` ("trailers-only"). A client of
 * gRPC would make UNKNOWN or UNAVAILABLE of anything else, by the HTTP status alone.
 * Source: gRPC over HTTP/2, "Requests" and "Responses"; gRPC, "HTTP to gRPC status code mapping"; docs/GRPC.md.
 */

import { REASON, type Reason, reasonRow } from '../../model/reason.ts';
import { GRPC_CODES, type GrpcCode } from '../../model/sli.ts';
import type { FieldTable } from '../http1/fields/field-table.ts';

/** `application/grpc`, `application/grpc+proto`; not gRPC-Web, which is framed in another way. */
const CONTENT_TYPE = /^application\/grpc(?:[+;].*)?$/i;
const HEAD_TYPE = /\r\ncontent-type:[ \t]*([^\r]*?)[ \t]*\r/i;
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 1e-3, n: 1e-6 };
/** Eight digits, as many as there may be. */
const TIMEOUT_MAX = 99_999_999;

/** Codes of reasons whose HTTP status says too little. */
const CODES: ReadonlyMap<Reason, GrpcCode> = new Map<Reason, GrpcCode>([
  [REASON.responseTimeout, 'DEADLINE_EXCEEDED'],
  [REASON.clientDeadline, 'DEADLINE_EXCEEDED'],
  [REASON.bodyTimeout, 'DEADLINE_EXCEEDED'],
  [REASON.rateLimited, 'RESOURCE_EXHAUSTED'],
  [REASON.bodyTooLarge, 'RESOURCE_EXHAUSTED'],
  [REASON.headTooLarge, 'RESOURCE_EXHAUSTED'],
  [REASON.noRoute, 'UNIMPLEMENTED'],
  [REASON.methodRefused, 'UNIMPLEMENTED'],
  [REASON.upstreamProtocol, 'INTERNAL'],
  [REASON.internal, 'INTERNAL'],
  [REASON.loopDetected, 'INTERNAL'],
]);

/** Is this the content type of gRPC? */
export function isGrpcType(contentType: string): boolean {
  return CONTENT_TYPE.test(contentType);
}

/** Is this a head of gRPC? @param head of a request or a response, with its first line */
export function isGrpcHead(head: string): boolean {
  return head.includes('application/grpc') && isGrpcType(HEAD_TYPE.exec(head)?.[1] ?? '');
}

/** The same of a head's fields, which costs the usual one no text. */
export function isGrpcFields(fields: FieldTable): boolean {
  const type = fields.find('content-type');
  return type !== null && isGrpcType(type);
}

/** What a client of gRPC is told of a failure. */
export function grpcCodeOf(reason: Reason): GrpcCode {
  const known = CODES.get(reason);
  if (known !== undefined) return known;
  // Before anything else the client can do nothing about it but try again; what it did wrong stays wrong.
  return reasonRow(reason).fault === 'client' ? 'INTERNAL' : 'UNAVAILABLE';
}

/** `grpc-status` and `grpc-message`, each with its CRLF. */
export function grpcLines(reason: Reason, message: string): string {
  return `grpc-status: ${GRPC_CODES.indexOf(grpcCodeOf(reason))}\r\ngrpc-message: ${percentEncoded(message)}\r\n`;
}

/** Printable ASCII but `%` as it is. Source: gRPC over HTTP/2, "Percent-Encoded". */
function percentEncoded(message: string): string {
  return message.replace(/[^ -$&-~]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}

/** `grpc-timeout` in ms, above 0; 0 when it is malformed, and so is none. */
export function timeoutMsOf(value: string): number {
  const [, digits = '', unit = ''] = TIMEOUT.exec(value) ?? [];
  if (digits === '') return 0;
  return Math.max(1, Math.floor(Number(digits) * (UNIT_MS[unit] as number)));
}

/** @param ms at least 1 */
export function timeoutText(ms: number): string {
  return ms <= TIMEOUT_MAX ? `${Math.floor(ms)}m` : `${Math.min(TIMEOUT_MAX, Math.floor(ms / 1000))}S`;
}
