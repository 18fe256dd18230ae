/** A service of gRPC and its client, by a library that others use: messages are texts, so that no compiler of schemas is needed. */

import { once } from 'node:events';
import type { TestContext } from 'node:test';
import {
  type CallOptions,
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  type handleUnaryCall,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerWritableStream,
  type ServiceError,
  status as STATUS,
  type StatusObject,
  type sendUnaryData,
} from '@grpc/grpc-js';

const toBytes = (text: string): Buffer => Buffer.from(text, 'latin1');
const toText = (bytes: Buffer): string => bytes.toString('latin1');
const asIs = (bytes: Buffer): Buffer => bytes;

/** What a server knows of the calls that have come. */
export interface GrpcService {
  readonly server: Server;
  readonly port: number;
  /** Names of calls to `Hold` that have begun, and of those that were cancelled. */
  readonly held: string[];
  readonly cancelled: string[];
  /** Calls to `Echo`. */
  served: number;
  isServing: boolean;
  /** Sends GOAWAY; resolves when the last call has ended. */
  leave(): Promise<void>;
}

/** The texts that calls answer with: those of their requests, and so on. */
type Writing = ServerWritableStream<string, string>;
type Reading = ServerReadableStream<string, string>;
type Talking = ServerDuplexStream<string, string>;

function methodOf(service: string, name: string, requestStream: boolean, responseStream: boolean) {
  return {
    path: `/${service}/${name}`,
    requestStream,
    responseStream,
    requestSerialize: toBytes,
    requestDeserialize: toText,
    responseSerialize: toBytes,
    responseDeserialize: toText,
  } satisfies MethodDefinition<string, string>;
}

const HEALTH = {
  Check: {
    ...methodOf('grpc.health.v1.Health', 'Check', false, false),
    requestDeserialize: asIs,
    responseSerialize: asIs,
  },
};
const SERVING = 1;
const NOT_SERVING = 2;

/** Answers with its message; with `x-fail`, that status and no message. Fields `x-word` and `x-word-bin` come back, before and behind. */
function echo(service: GrpcService): handleUnaryCall<string, string> {
  return (call, answer) => {
    const { request, metadata: asked } = call;
    service.served++;
    const [word, bytes, fail] = ['x-word', 'x-word-bin', 'x-fail'].map((name) => asked.get(name)[0]);
    const back = new Metadata();
    if (word !== undefined) back.set('x-word', word);
    if (bytes !== undefined) back.set('x-word-bin', bytes);
    if (fail !== undefined) {
      answer({ code: Number(fail), details: 'as asked: ü', metadata: back });
      return;
    }
    if (word !== undefined) call.sendMetadata(back);
    answer(null, request, back);
  };
}

/** As many messages as the request says. */
function count(call: Writing): void {
  for (let n = 1; n <= Number(call.request); n++) call.write(`message ${n}`);
  call.end();
}

/** Answers when the client has ended; a message `enough` is answered at once, with NOT_FOUND. */
function join(call: Reading, answer: sendUnaryData<string>): void {
  const parts: string[] = [];
  call.on('data', (text: string) => {
    if (text === 'enough') answer({ code: STATUS.NOT_FOUND, details: text });
    else parts.push(text);
  });
  call.on('end', () => answer(null, parts.join(' ')));
}

/** Answers each message as it comes. */
function talk(call: Talking): void {
  call.on('data', (text: string) => call.write(`re: ${text}`));
  call.on('end', () => call.end());
}

/** Sends its head when the first message is there, and then nothing until it is cancelled. */
function hold({ held, cancelled }: GrpcService): (call: Talking) => void {
  return (call) => {
    call.on('cancelled', () => cancelled.push(name));
    call.on('error', () => undefined);
    let name = '';
    call.once('data', (text: string) => {
      name = text;
      held.push(name);
      call.sendMetadata(new Metadata());
    });
  };
}

/** A server of the services `names`, which has all methods under each, and of the protocol of health checks. */
export async function grpcServiceOf(
  t: Pick<TestContext, 'after'>,
  names: readonly string[],
  pair?: { readonly cert: string; readonly key: string },
): Promise<GrpcService> {
  const server = new Server();
  t.after(() => server.forceShutdown());
  const service: GrpcService = {
    server,
    port: 0,
    held: [],
    cancelled: [],
    served: 0,
    isServing: true,
    leave: () => new Promise((resolve, reject) => server.tryShutdown((error) => (error ? reject(error) : resolve()))),
  };
  for (const name of names) {
    const methods = {
      Echo: methodOf(name, 'Echo', false, false),
      Count: methodOf(name, 'Count', false, true),
      Join: methodOf(name, 'Join', true, false),
      Talk: methodOf(name, 'Talk', true, true),
      Hold: methodOf(name, 'Hold', true, true),
    };
    const handlers = { Echo: echo(service), Count: count, Join: join, Talk: talk, Hold: hold(service) };
    server.addService(methods, handlers);
  }
  const check: handleUnaryCall<Buffer, Buffer> = (_call, answer) =>
    answer(null, Buffer.from([8, service.isServing ? SERVING : NOT_SERVING]));
  server.addService(HEALTH, { Check: check });
  const own =
    pair === undefined
      ? ServerCredentials.createInsecure()
      : ServerCredentials.createSsl(null, [{ cert_chain: Buffer.from(pair.cert), private_key: Buffer.from(pair.key) }]);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', own, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return Object.assign(service, { port });
}

/** How a call ended, and what came before. */
export interface Ended {
  readonly code: number;
  readonly details: string;
  readonly message: string | undefined;
  /** Of the head, and behind the message. */
  readonly head: Metadata;
  readonly trailers: Metadata;
}

export interface CallTerms extends CallOptions {
  readonly metadata?: Record<string, string | Buffer>;
}

/** Whom clients call. */
export const HOST = 'a.example';

/** Calls of one service over a connection of its own; with TLS if the authority is there. */
export class GrpcClient {
  readonly #client: Client;
  readonly #service: string;

  constructor(t: Pick<TestContext, 'after'>, port: number, service: string, ca?: Buffer) {
    const own: ChannelCredentials = ca === undefined ? credentials.createInsecure() : credentials.createSsl(ca);
    this.#client = new Client(`127.0.0.1:${port}`, own, {
      // What is tried again is to be the gateway's doing.
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      'grpc.default_authority': HOST,
      ...(ca !== undefined && { 'grpc.ssl_target_name_override': HOST }),
    });
    this.#service = service;
    t.after(() => this.#client.close());
  }

  echo(text: string, { metadata, ...options }: CallTerms = {}): Promise<Ended> {
    return ended((answer) =>
      this.#client.makeUnaryRequest(
        `/${this.#service}/Echo`,
        toBytes,
        toText,
        text,
        metadataOf(metadata),
        options,
        answer,
      ),
    );
  }

  count(messages: number): ClientReadableStream<string> {
    return this.#client.makeServerStreamRequest(`/${this.#service}/Count`, toBytes, toText, String(messages));
  }

  /** @param send writes the messages, and ends. */
  join(send: (call: { write(text: string): unknown; end(): unknown }) => void): Promise<Ended> {
    return ended((answer) => {
      const call = this.#client.makeClientStreamRequest(`/${this.#service}/Join`, toBytes, toText, answer);
      send(call);
      return call;
    });
  }

  talk(method: 'Talk' | 'Hold', options: CallOptions = {}): ClientDuplexStream<string, string> {
    const path = `/${this.#service}/${method}`;
    return this.#client.makeBidiStreamRequest(path, toBytes, toText, options);
  }
}

function metadataOf(fields: Record<string, string | Buffer> = {}): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  return metadata;
}

type Answer = (error: ServiceError | null, message?: string) => void;
interface Emitting {
  on(event: 'metadata', listener: (metadata: Metadata) => void): unknown;
  on(event: 'status', listener: (status: StatusObject) => void): unknown;
}

/** How a call with one answer ended. @param begin begins it */
export function ended(begin: (answer: Answer) => Emitting): Promise<Ended> {
  return new Promise((resolve) => {
    let head = new Metadata();
    let message: string | undefined;
    const call = begin((_error, text) => {
      message = text;
    });
    call.on('metadata', (metadata) => {
      head = metadata;
    });
    call.on('status', ({ code, details, metadata: trailers }) =>
      // The message is told right after.
      setImmediate(() => resolve({ code, details, message, head, trailers })),
    );
  });
}

/** The status that a streaming call ends with; an error tells the same. */
export function statusOf(call: ClientReadableStream<string> | ClientDuplexStream<string, string>): Promise<number> {
  call.on('error', () => undefined);
  return new Promise((resolve) => call.on('status', ({ code }: StatusObject) => resolve(code)));
}

/** The next message. */
export async function heard(call: ClientDuplexStream<string, string>): Promise<string> {
  const [text] = (await once(call, 'data')) as [string];
  return text;
}
