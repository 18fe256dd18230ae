/**
 * One health check over HTTP/2: a GET whose status decides, or the question that servers of gRPC answer.
 *
 * As over HTTP/1.1 every check has a connection of its own, its time limit covers everything from the connect on, and the
 * connection is closed as soon as the answer is known. A server of gRPC is healthy when it says SERVING; one that does not
 * know the question (UNIMPLEMENTED) has failed, as nobody could tell.
 * Source: gRPC health checking protocol, `grpc.health.v1.Health/Check`; gRPC over HTTP/2, "Length-Prefixed-Message".
 */

import { type ClientHttp2Session, type ClientHttp2Stream, connect, type SecureClientSessionOptions } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Probe, ProbeTarget } from './probe.ts';
import type { CheckResult } from './verdict.ts';

const CHECK_PATH = '/grpc.health.v1.Health/Check';
const AGENT = 'sluice-health-check';
/** A message is not compressed: then its length. */
const PREFIX_BYTES = 5;
/** Longest answer that is read: it holds one number. */
const ANSWER_BYTES_MAX = 1024;
/** Field 1 of a protobuf message: a text, and a number. */
const TEXT_1 = 0x0a;
const NUMBER_1 = 0x08;
const SERVING = 1;
const STATES: readonly string[] = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN'];

/** @param security of `tls.connect`; null: it is spoken to without TLS. */
export function startHttp2Probe(target: ProbeTarget, security: SecureClientSessionOptions | null): Probe {
  const { host, port, timeoutMs } = target;
  const authority = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  let session: ClientHttp2Session | null = null;
  let settle: (result: CheckResult) => void = () => undefined;
  const result = new Promise<CheckResult>((resolve) => {
    settle = resolve;
  });
  const timer = setTimeout(() => finish(`no answer in ${timeoutMs} ms`), timeoutMs);
  const finish = (outcome: CheckResult): void => {
    clearTimeout(timer);
    settle(outcome);
    session?.destroy();
  };
  try {
    session = connect(`${security === null ? 'http' : 'https'}://${authority}`, {
      settings: { enablePush: false },
      ...security,
      ...(security?.servername === '' && { createConnection: () => connectUnasked(target, security) }),
    });
    session.on('error', (error: NodeJS.ErrnoException) => finish(wordOf(error)));
    session.on('close', () => finish('closed before an answer'));
    const isGrpc = target.isGrpc === true;
    const stream = isGrpc ? askService(session, target, authority) : ask(session, target, authority);
    stream.on('error', (error: NodeJS.ErrnoException) => finish(wordOf(error)));
    if (isGrpc) hearService(stream, finish);
    else stream.on('response', ({ ':status': status = 0 }) => finish(status < 400 ? null : `status ${status}`));
  } catch (error) {
    finish(wordOf(error as NodeJS.ErrnoException));
  }
  return { result, cancel: () => finish('cancelled') };
}

/** Where no name is to be asked for: `connect` of HTTP/2 asks for the host's own instead. */
function connectUnasked({ host, port }: ProbeTarget, security: SecureClientSessionOptions): TLSSocket {
  return connectTls({ ...security, host, port, ALPNProtocols: ['h2'] });
}

function ask(session: ClientHttp2Session, { path, hostHeader }: ProbeTarget, authority: string): ClientHttp2Stream {
  return session.request({
    ':path': path,
    ':authority': hostHeader ?? authority,
    'user-agent': AGENT,
    accept: '*/*',
  });
}

function askService(
  session: ClientHttp2Session,
  { hostHeader, grpcService = '', timeoutMs }: ProbeTarget,
  authority: string,
): ClientHttp2Stream {
  const stream = session.request({
    ':method': 'POST',
    ':path': CHECK_PATH,
    ':authority': hostHeader ?? authority,
    'content-type': 'application/grpc',
    te: 'trailers',
    'grpc-timeout': `${timeoutMs}m`,
    'user-agent': AGENT,
  });
  stream.end(questionOf(grpcService));
  return stream;
}

/** The status of gRPC decides first, then what the server says about itself. */
function hearService(stream: ClientHttp2Stream, finish: (outcome: CheckResult) => void): void {
  let answer = Buffer.alloc(0);
  let code: string | string[] | undefined;
  stream.on('response', ({ ':status': status = 0, 'grpc-status': early }) => {
    if (status !== 200) finish(`status ${status}`);
    code = early;
  });
  stream.on('trailers', ({ 'grpc-status': late }) => {
    code = late;
  });
  stream.on('data', (bytes: Buffer) => {
    answer = Buffer.concat([answer, bytes]);
    if (answer.length > ANSWER_BYTES_MAX) finish('an answer that is too long');
  });
  stream.on('end', () => finish(code === '0' ? outcomeOf(answer) : `grpc-status ${code?.toString() ?? 'missing'}`));
}

/** A message with the name of a service; an empty one asks for the server as a whole. */
export function questionOf(service: string): Buffer {
  const name = Buffer.from(service, 'utf8');
  const text = name.length === 0 ? name : Buffer.concat([Buffer.from([TEXT_1, name.length]), name]);
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(text.length, 1);
  return Buffer.concat([prefix, text]);
}

/** What a message of the server's says: one number, which protobuf leaves out when it is 0. */
export function outcomeOf(answer: Buffer): CheckResult {
  if (answer.length < PREFIX_BYTES || answer[0] !== 0) return 'a malformed answer';
  const message = answer.subarray(PREFIX_BYTES);
  if (message.length !== answer.readUInt32BE(1)) return 'a malformed answer';
  const state = message.length === 0 ? 0 : message[0] === NUMBER_1 ? message[1] : undefined;
  if (state === SERVING) return null;
  return state === undefined ? 'a malformed answer' : (STATES[state] ?? `state ${state}`);
}

/** A stream that ended with its connection tells why that ended. */
function wordOf(error: NodeJS.ErrnoException): string {
  const { code, message } = error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException) : error;
  return code === undefined || code === 'ERR_HTTP2_ERROR' ? message : code;
}
