/**
 * Asks a gateway once for everything that is measured, before it is: that it answers as it should, and over what.
 */

import { type ClientHttp2Session, connect } from 'node:http2';
import { request } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Child } from '../macro/children.ts';
import { SMALL_GET } from '../macro/load/request.ts';
import { BODY } from '../macro/upstream.ts';
import { GRPC_PATH, grpcMessage } from './upstreams.ts';

const STEP_MS = 50;
const STEPS_MAX = 600;

interface Answer {
  readonly head: Readonly<Record<string, unknown>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, unknown>>;
}

/** Status of a GET over HTTP/1.1 and TLS; 0 when nobody answers. */
function statusOf(port: number): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(
      { host: '127.0.0.1', port, path: '/', rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.on('error', () => resolve(0));
    asked.end();
  });
}

/** Waits until a gateway answers 200 over TLS. @throws Error with the child's output when it ends or takes too long */
export async function untilSecure({ name, process, output }: Child, port: number, signal: AbortSignal): Promise<void> {
  for (let step = 0; step < STEPS_MAX; step++) {
    if (process.exitCode !== null || process.signalCode !== null)
      throw new Error(`${name} ended while starting:\n${output()}`);
    if ((await statusOf(port)) === 200) return;
    await sleep(STEP_MS, undefined, { signal });
  }
  throw new Error(`${name} did not answer 200 over TLS:\n${output()}`);
}

function ask(session: ClientHttp2Session, head: Record<string, string>, body: Buffer | null): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const stream = session.request(head);
    const chunks: Buffer[] = [];
    let answer: Answer['head'] = {};
    let trailers: Answer['trailers'] = {};
    stream.on('response', (fields) => {
      answer = fields;
    });
    stream.on('trailers', (fields) => {
      trailers = fields;
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('error', reject);
    stream.on('end', () => resolve({ head: answer, body: Buffer.concat(chunks), trailers }));
    stream.end(body ?? undefined);
  });
}

/** @throws Error that says what was answered otherwise than it should be */
export async function probe(port: number): Promise<void> {
  const session = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false });
  try {
    const page = await ask(session, { ':path': SMALL_GET.path }, null);
    if (page.head[':status'] !== 200 || page.body.toString() !== BODY) {
      throw new Error(`a GET was answered ${String(page.head[':status'])}, ${page.body.length} bytes`);
    }
    const fields = { ':method': 'POST', ':path': GRPC_PATH, 'content-type': 'application/grpc', te: 'trailers' };
    const call = await ask(session, fields, grpcMessage());
    if (call.trailers['grpc-status'] !== '0' || !call.body.equals(grpcMessage())) {
      throw new Error(`a call of gRPC was answered ${JSON.stringify(call.trailers)}, ${call.body.length} bytes`);
    }
  } finally {
    session.close();
  }
}
