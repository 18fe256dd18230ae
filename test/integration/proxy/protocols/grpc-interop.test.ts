/**
 * The cases that implementations of gRPC test one another with, through a gateway: client and server by grpc-js, the gateway between.
 *
 * Messages are texts here, so that no compiler of schemas is needed: the sizes of the answers that are asked for, a colon, and a
 * payload; the sizes of payloads are those of the list. Source: gRPC, doc/interop-test-descriptions.md. Left out are compression of
 * messages and credentials of clouds, of which a gateway sees nothing, and soaks.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import {
  type CallOptions,
  Client,
  type ClientDuplexStream,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status as STATUS,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { ended, statusOf } from '../../../support/clients/grpc.ts';
import { eventually, planeOf } from '../../../support/proxy/running.ts';

const SERVICE = '/grpc.testing.TestService/';
const INITIAL = 'x-grpc-test-echo-initial';
const TRAILING = 'x-grpc-test-echo-trailing-bin';
/** Asks for a status, in the place of the field of the message. */
const WANTED = 'x-wanted-status';
const SPECIAL = '\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n';
/** Sizes of the answers and payloads of streams, in bytes. */
const ANSWERS = [31_415, 9, 2653, 58_979];
const PAYLOADS = [27_182, 8, 1828, 45_904];
const LARGE = { answer: 314_159, payload: 271_828 };

const toBytes = (text: string): Buffer => Buffer.from(text);
const toText = (bytes: Buffer): string => bytes.toString();

/** A request for answers of these sizes. */
function asking(answers: readonly number[], payload = 0): string {
  return `${answers.join()}:${'p'.repeat(payload)}`;
}

function answersTo(request: string): string[] {
  const [sizes = ''] = request.split(':');
  return sizes === '' ? [] : sizes.split(',').map((size) => 'a'.repeat(Number(size)));
}

function payloadOf(request: string): number {
  return request.length - request.indexOf(':') - 1;
}

type Call = ServerUnaryCall<string, string> | ServerDuplexStream<string, string>;

/** Sends the head's part of what is to come back, and says what the trailers' part is, and the status. */
function begin(call: Call): { readonly trailers: Metadata; readonly code: number; readonly details: string } {
  const [initial] = call.metadata.get(INITIAL);
  const [trailing] = call.metadata.get(TRAILING);
  const [wanted] = call.metadata.get(WANTED);
  const [head, trailers] = [new Metadata(), new Metadata()];
  if (initial !== undefined) head.set(INITIAL, initial);
  if (trailing !== undefined) trailers.set(TRAILING, trailing);
  if (initial !== undefined) call.sendMetadata(head);
  if (wanted === undefined) return { trailers, code: STATUS.OK, details: '' };
  return { trailers, ...(JSON.parse(decodeURIComponent(String(wanted))) as { code: number; details: string }) };
}

/** The server's half of the cases. */
const METHODS = {
  EmptyCall: ({ request }: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) =>
    request === 'empty' ? answer(null, '') : answer({ code: STATUS.INVALID_ARGUMENT, details: request }),
  UnaryCall: (call: ServerUnaryCall<string, string>, answer: sendUnaryData<string>) => {
    const { trailers, code, details } = begin(call);
    if (code === STATUS.OK) answer(null, answersTo(call.request)[0] ?? '', trailers);
    else answer({ code, details, metadata: trailers });
  },
  StreamingInputCall: (call: ServerReadableStream<string, string>, answer: sendUnaryData<string>) => {
    let sum = 0;
    call.on('data', (request: string) => (sum += payloadOf(request)));
    call.on('end', () => answer(null, String(sum)));
  },
  StreamingOutputCall: (call: ServerWritableStream<string, string>) => {
    for (const message of answersTo(call.request)) call.write(message);
    call.end();
  },
  FullDuplexCall: (call: ServerDuplexStream<string, string>) => {
    const { trailers, code, details } = begin(call);
    call.on('error', () => undefined);
    call.on('data', (request: string) => {
      for (const message of answersTo(request)) call.write(message);
    });
    call.on('end', () => {
      if (code === STATUS.OK) call.end(trailers);
      else call.emit('error', { code, details, metadata: trailers });
    });
  },
};

function definitionOf(name: keyof typeof METHODS): MethodDefinition<string, string> {
  return {
    path: `${SERVICE}${name}`,
    requestStream: name === 'StreamingInputCall' || name === 'FullDuplexCall',
    responseStream: name === 'StreamingOutputCall' || name === 'FullDuplexCall',
    requestSerialize: toBytes,
    // What is empty is no request to the library.
    requestDeserialize: (bytes) => (bytes.length === 0 ? 'empty' : toText(bytes)),
    responseSerialize: toBytes,
    responseDeserialize: toText,
  };
}

/** How many calls the server has seen, and of how many it was told that nobody waits for them any more. */
interface Seen {
  begun: number;
  cancelled: number;
}

function handlerOf(name: keyof typeof METHODS, seen: Seen) {
  const handle: (call: never, answer: never) => void = METHODS[name];
  return (call: ServerUnaryCall<string, string>, answer: sendUnaryData<string>): void => {
    seen.begun++;
    call.on('cancelled', () => seen.cancelled++);
    handle(call as never, answer as never);
  };
}

/** A client of the server, by a gateway between them, and what the server sees. */
async function pairOf(t: TestContext): Promise<readonly [client: Client, seen: Seen]> {
  const seen: Seen = { begun: 0, cancelled: 0 };
  const server = new Server();
  t.after(() => server.forceShutdown());
  const names = Object.keys(METHODS) as (keyof typeof METHODS)[];
  const definitions = Object.fromEntries(names.map((name) => [name, definitionOf(name)]));
  server.addService(definitions, Object.fromEntries(names.map((name) => [name, handlerOf(name, seen)])));
  const port = await new Promise<number>((resolve, reject) => {
    const bound = (error: Error | null, own: number): void => (error === null ? resolve(own) : reject(error));
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), bound);
  });
  const versions = [{ name: 'v1', ports: [port], weight: 1, protocol: 'grpc' as const }];
  const plane = await planeOf(t, { routes: [{ versions }], http2: true });
  const options = { 'grpc.enable_retries': 0, 'grpc.use_local_subchannel_pool': 1, 'grpc.default_authority': 'a' };
  const client = new Client(`127.0.0.1:${plane.port}`, credentials.createInsecure(), options);
  t.after(() => client.close());
  return [client, seen];
}

interface Asked {
  readonly path?: string;
  readonly metadata?: Metadata;
}

function unary(
  client: Client,
  request: string,
  { path = `${SERVICE}UnaryCall`, metadata = new Metadata() }: Asked = {},
) {
  return ended((answer) => client.makeUnaryRequest(path, toBytes, toText, request, metadata, answer));
}

function duplex(
  client: Client,
  metadata = new Metadata(),
  options: CallOptions = {},
): ClientDuplexStream<string, string> {
  return client.makeBidiStreamRequest(`${SERVICE}FullDuplexCall`, toBytes, toText, metadata, options);
}

async function next(call: ClientDuplexStream<string, string>): Promise<number> {
  const [message] = (await once(call, 'data')) as [string];
  return message.length;
}

function metadataOf(fields: Readonly<Record<string, string | Buffer>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  return metadata;
}

/** Fields that have a call end so. */
function ending(code: number, details: string): Metadata {
  return metadataOf({ [WANTED]: encodeURIComponent(JSON.stringify({ code, details })) });
}

/** How a call of both directions ends that asks for a status, and what it has said of it. */
function endOf(call: ClientDuplexStream<string, string>): Promise<readonly [number, string]> {
  call.on('error', () => undefined);
  call.resume().end(asking([]));
  return new Promise((resolve) => call.on('status', ({ code, details }: StatusObject) => resolve([code, details])));
}

const CASES: Readonly<Record<string, (client: Client, seen: Seen) => Promise<void>>> = {
  empty_unary: async (client) => {
    const { code, message } = await unary(client, '', { path: `${SERVICE}EmptyCall` });
    assert.deepEqual([code, message], [STATUS.OK, '']);
  },
  large_unary: async (client) => {
    const { code, message } = await unary(client, asking([LARGE.answer], LARGE.payload));
    assert.deepEqual([code, message?.length], [STATUS.OK, LARGE.answer]);
  },
  client_streaming: async (client) => {
    const { code, message } = await ended((answer) => {
      const call = client.makeClientStreamRequest(`${SERVICE}StreamingInputCall`, toBytes, toText, answer);
      for (const payload of PAYLOADS) call.write(asking([], payload));
      call.end();
      return call;
    });
    assert.deepEqual([code, message], [STATUS.OK, '74922']);
  },
  server_streaming: async (client) => {
    const path = `${SERVICE}StreamingOutputCall`;
    const call = client.makeServerStreamRequest(path, toBytes, toText, asking(ANSWERS));
    const sizes: number[] = [];
    call.on('data', (message: string) => sizes.push(message.length));
    assert.equal(await statusOf(call), STATUS.OK);
    assert.deepEqual(sizes, ANSWERS);
  },
  ping_pong: async (client) => {
    const call = duplex(client);
    for (const [n, size] of ANSWERS.entries()) {
      call.write(asking([size], PAYLOADS[n]));
      assert.equal(await next(call), size);
    }
    call.end();
    assert.equal(await statusOf(call.resume()), STATUS.OK);
  },
  empty_stream: async (client) => {
    const call = duplex(client);
    call.on('data', () => assert.fail('a message'));
    call.end();
    assert.equal(await statusOf(call), STATUS.OK);
  },
  custom_metadata: async (client) => {
    const bytes = Buffer.from('ababab', 'hex');
    const metadata = metadataOf({ [INITIAL]: 'test_initial_metadata_value', [TRAILING]: bytes });
    const { code, head, trailers } = await unary(client, asking([LARGE.answer], LARGE.payload), { metadata });
    assert.equal(code, STATUS.OK);
    assert.deepEqual([head.get(INITIAL), trailers.get(TRAILING)], [['test_initial_metadata_value'], [bytes]]);
    const call = duplex(client, metadata);
    const came = once(call, 'metadata') as Promise<[Metadata]>;
    const gone = once(call, 'status') as Promise<[{ code: number; metadata: Metadata }]>;
    call.resume().end(asking([LARGE.answer], LARGE.payload));
    assert.deepEqual((await came)[0].get(INITIAL), ['test_initial_metadata_value']);
    const [{ code: last, metadata: behind }] = await gone;
    assert.deepEqual([last, behind.get(TRAILING)], [STATUS.OK, [bytes]]);
  },
  status_code_and_message: async (client) => {
    const metadata = ending(STATUS.UNKNOWN, 'test status message');
    const { code, details } = await unary(client, asking([]), { metadata });
    assert.deepEqual([code, details], [STATUS.UNKNOWN, 'test status message']);
    assert.deepEqual(await endOf(duplex(client, metadata)), [STATUS.UNKNOWN, 'test status message']);
  },
  special_status_message: async (client) => {
    const { code, details } = await unary(client, asking([]), { metadata: ending(STATUS.UNKNOWN, SPECIAL) });
    assert.deepEqual([code, details], [STATUS.UNKNOWN, SPECIAL]);
  },
  unimplemented_method: async (client) => {
    const { code } = await unary(client, '', { path: `${SERVICE}UnimplementedCall` });
    assert.equal(code, STATUS.UNIMPLEMENTED);
  },
  unimplemented_service: async (client) => {
    const { code } = await unary(client, '', { path: '/grpc.testing.UnimplementedService/UnimplementedCall' });
    assert.equal(code, STATUS.UNIMPLEMENTED);
  },
  cancel_after_begin: async (client, seen) => {
    const begin = (cancelled: (call: { cancel(): void }) => void): ReturnType<typeof ended> =>
      ended((answer) => {
        const call = client.makeClientStreamRequest(`${SERVICE}StreamingInputCall`, toBytes, toText, answer);
        cancelled(call);
        return call;
      });
    assert.equal((await begin((call) => call.cancel())).code, STATUS.CANCELLED, 'at once');
    const before = seen.begun;
    const { code } = await begin((call) => {
      void eventually(() => seen.begun > before, 'it is with the server').then(() => call.cancel());
    });
    assert.equal(code, STATUS.CANCELLED, 'when the server has it');
    await eventually(() => seen.cancelled === seen.begun, 'the server knows of both that it has seen');
  },
  cancel_after_first_response: async (client, seen) => {
    const call = duplex(client);
    const status = statusOf(call);
    call.write(asking([ANSWERS[0] as number], PAYLOADS[0]));
    assert.equal(await next(call), ANSWERS[0]);
    assert.deepEqual(seen, { begun: 1, cancelled: 0 });
    call.cancel();
    assert.equal(await status, STATUS.CANCELLED);
    await eventually(() => seen.cancelled === 1, 'the server knows');
  },
  timeout_on_sleeping_server: async (client, seen) => {
    // Of the list is 1 ms, in which a call may not have come to the server.
    for (let ms = 1; seen.begun === 0; ms *= 4) {
      const call = duplex(client, new Metadata(), { deadline: Date.now() + ms });
      const status = statusOf(call.resume());
      call.write(asking([], PAYLOADS[0]));
      assert.equal(await status, STATUS.DEADLINE_EXCEEDED);
    }
    await eventually(() => seen.cancelled === seen.begun, 'the server knows, of the gateway or by its own clock');
  },
};

/** Names of the cases in the table of the page, and the numbers of its sentence. */
function casesOfPage(): { readonly names: readonly string[]; readonly counts: readonly number[] } {
  const page = readFileSync(new URL('../../../../docs/GRPC.md', import.meta.url), 'utf8');
  const section = /^## Interoperability$([\s\S]*?)^## /m.exec(page)?.[1] ?? assert.fail('there is no such section');
  const [, passed, all] = /(\d+) of (\d+) pass/.exec(section) ?? [];
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return {
    names: [...rows.join().matchAll(/`(\w+)`/g)].map(([, name = '']) => name),
    counts: [Number(passed), Number(all)],
  };
}

describe('gRPC interop through a gateway', () => {
  it('has the cases that docs/GRPC.md lists and counts', () => {
    const names = Object.keys(CASES);
    assert.deepEqual(casesOfPage(), { names, counts: [names.length, names.length] });
  });

  for (const [name, run] of Object.entries(CASES)) it(name, async (t) => run(...(await pairOf(t))));
});
