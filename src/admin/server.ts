/**
 * The admin server: looks in, and changes nothing but by commands (commands.ts) and weights (weights.ts), on a port of its own.
 *
 * Order of refusals: malformed (400/408/431, by node:http), wrong host 421, wrong method 405, body 413, unknown page
 * 404; commands have refusals of their own. A page that throws is a 500 and is reported; it never ends the process. Heads, whole requests, idle sockets and
 * the number of connections are bounded, so that a slow or greedy client costs little.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { nowMs } from '../lib/clock.ts';
import { addressOf, urlOf } from '../lib/text/address.ts';
import type { ListenAddress } from '../model/config.ts';
import { SluiceError } from '../model/problem.ts';
import { alertTarget, answerAlerts } from './alerts.ts';
import { type AdminActions, answerCommand, commandTarget } from './commands.ts';
import { hostFilter } from './host.ts';
import { readAssets } from './page/assets.ts';
import { Live } from './page/live.ts';
import type { StreamCounts } from './page/stream.ts';
import { createPages, type Pages } from './pages.ts';
import { Debug, type DebugActions, debugTarget } from './process/debug.ts';
import { answerSteer, type SteerActions, steerTarget } from './process/steer.ts';
import { isTap, Tapping, type TapSource } from './process/tap.ts';
import { type Answer, problemReply, type Reply, replyHeaders } from './reply.ts';
import type { AdminView } from './view.ts';
import { answerWeights, weightsTarget } from './weights.ts';

const HEAD_BYTES_MAX = 8192;
const HEAD_COUNT_MAX = 64;
const HEAD_TIMEOUT_MS = 5000;
const REQUEST_TIMEOUT_MS = 10_000;
/** No byte moved in either direction: a client that does not read its answer is cut. */
const SOCKET_IDLE_MS = 15_000;
const KEEP_ALIVE_MS = 5000;
const CONNECTIONS_MAX = 128;
/** How long answers under way may take after `close`. */
const CLOSE_GRACE_MS = 1000;

export interface AdminOptions {
  readonly address: ListenAddress;
  /** A socket that listens there already; it becomes the server's own. */
  readonly fd?: number | undefined;
  readonly view: AdminView;
  /** What it may do; without it every command is refused. */
  readonly actions?: AdminActions;
  /** What bearers of the token may see; without it there is nothing of the kind. */
  readonly debug?: DebugActions;
  /** What they may have the process do; without it nothing of the kind. */
  readonly steer?: SteerActions;
  /** Who shows them live requests; without it nobody. */
  readonly taps?: TapSource;
  /** Further names to answer to, now, see `host.ts`. */
  readonly allowedHosts?: () => readonly string[];
  /** Told of every page that threw (its target), of every failed accept (`accept`) and of readings for the live page. */
  readonly onFailure?: (where: string, error: unknown) => void;
}

export interface AdminServer {
  /** `http://host:port`, with the port the kernel chose. */
  readonly url: string;
  readonly port: number;
  /** Descriptor of the listening socket; null where the system has none, and after `close`. */
  readonly fd: number | null;
  /** Readers of the live page's stream. */
  readonly viewers: StreamCounts;
  /** Closes the socket; answers under way, and connections that are to ask still, have a second. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the admin server.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const assets = await readAssets();
  const isAllowed = hostFilter(options.address.host, options.allowedHosts);
  const live = new Live(options.view.board, (where, error) => options.onFailure?.(where, error));
  const pages = createPages(options.view, live, assets);
  const actions = options.actions ?? null;
  const debug = new Debug(options.view, options.debug ?? null);
  const tapping = new Tapping(options.taps ?? null, nowMs);
  const door = { isAllowed, pages, view: options.view, actions, debug, steer: options.steer ?? null, tapping };
  const server = createServer(
    {
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      void answer(request, response, (target) => guard(request, target, door), options);
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEAD_COUNT_MAX;
  server.timeout = SOCKET_IDLE_MS;
  server.on('clientError', refuseMalformed);
  let port: number;
  try {
    port = await listen(server, options);
  } catch (error) {
    live.close();
    throw error;
  }
  // A failed accept (descriptors exhausted) is an 'error' event, which would end the process without a listener.
  server.on('error', (error) => options.onFailure?.('accept', error));
  return {
    url: urlOf(options.address.host, port),
    port,
    close: closer(server, [live, tapping]),
    get viewers() {
      return live.counts;
    },
    get fd() {
      return (server as unknown as { readonly _handle: { readonly fd?: number } | null })._handle?.fd ?? null;
    },
  };
}

interface Door {
  readonly debug: Debug;
  readonly steer: SteerActions | null;
  readonly tapping: Tapping;
  readonly isAllowed: (header: string) => boolean;
  readonly pages: Pages;
  readonly view: AdminView;
  readonly actions: AdminActions | null;
}

/** Every refusal that needs no page, then the page. */
function guard(request: IncomingMessage, target: string, door: Door): Answer | Promise<Answer> {
  const hosts = request.headersDistinct['host'] ?? [];
  if (hosts.length !== 1 || !door.isAllowed(hosts[0] as string)) {
    const detail = 'This host name is not served here; use localhost, the bound address, or a name in admin.hosts';
    return problemReply(
      421,
      detail,
      request.method !== 'GET' && request.method !== 'HEAD' ? { connection: 'close' } : {},
    );
  }
  const route = weightsTarget(target);
  if (route !== null) return answerWeights(request, route, door);
  const debugged = debugTarget(target);
  if (debugged !== null) return door.debug.answer(request, debugged, door.actions);
  if (isTap(target)) return door.tapping.answer(request, target, door.actions);
  const told = alertTarget(target);
  if (told !== null) return answerAlerts(request, told, door.actions);
  const steered = steerTarget(target);
  if (steered !== null) return answerSteer(request, steered, door);
  const command = commandTarget(target);
  if (command !== null) return answerCommand(request, command, door.actions);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problemReply(405, 'This page is read only', { allow: 'GET, HEAD', connection: 'close' });
  }
  if (request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0) {
    return problemReply(413, 'No request body is taken here', { connection: 'close' });
  }
  if (request.method === 'HEAD' && /^\/api\/v1\/live(?:\?|$)/.test(target)) {
    return problemReply(405, 'A stream is read with GET', { allow: 'GET' });
  }
  const { accept = '', 'accept-encoding': encoding = '' } = request.headers;
  return door.pages(target, { accept, acceptEncoding: Array.isArray(encoding) ? encoding.join() : encoding });
}

/** Sends what `produce` gives, or a 500. Never rejects. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  produce: (target: string) => Answer | Promise<Answer>,
  options: AdminOptions,
): Promise<void> {
  const target = request.url ?? '/';
  let reply: Reply;
  try {
    const answered = await produce(target);
    if ('take' in answered) {
      answered.take(response);
      return;
    }
    reply = answered;
  } catch (error) {
    options.onFailure?.(target, error);
    reply = problemReply(500, `This page failed: ${error instanceof Error ? error.message : String(error)}`);
  }
  // For HEAD node:http sends the same head, with the length, and no body.
  response.on('error', () => response.destroy());
  response.writeHead(reply.status, replyHeaders(reply));
  response.end(reply.body);
}

/** Answers what node:http could not parse, in the same form as everything else, and cuts the connection. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status = MALFORMED_STATUS[error.code ?? ''] ?? 400;
  const reply = problemReply(status, 'The request is malformed, too large or too slow');
  const head = Object.entries({ ...replyHeaders(reply), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}`,
  );
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${head.join('\r\n')}\r\n\r\n${reply.body}`);
}

const MALFORMED_STATUS: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

function listen(server: Server, { address, fd }: AdminOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) => reject(listenError(error, address));
    server.once('error', fail);
    server.listen(fd === undefined ? { host: address.host, port: address.port } : { fd }, () => {
      server.off('error', fail);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function listenError(error: NodeJS.ErrnoException, { host, port }: ListenAddress): SluiceError {
  const where = addressOf(host, port);
  if (error.code === 'EADDRINUSE') {
    const fix = 'end the process that listens there, or give admin another port (0 picks a free one)';
    return new SluiceError('SLU_PORT_IN_USE', `The admin address ${where} is in use: ${fix}`, { cause: error });
  }
  const message = `Cannot listen on the admin address ${where}: ${error.message}`;
  return new SluiceError('SLU_LISTEN_FAILED', message, { cause: error });
}

/**
 * Closes a server: nothing is accepted any more, connections that wait for another request are closed, and those that were
 * accepted and have not asked yet are answered once, where node:http's own `close` would reset them.
 */
function closer(server: Server, streams: readonly { close(): void }[]): () => Promise<void> {
  let closed: Promise<void> | null = null;
  // Answers under way, by connection that has asked.
  const asked = new Map<Socket, number>();
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    asked.set(socket, (asked.get(socket) ?? 0) + 1);
    if (closed !== null) response.shouldKeepAlive = false;
    response.once('close', () => {
      const count = (asked.get(socket) ?? 1) - 1;
      asked.set(socket, count);
      if (closed !== null && count === 0) socket.end();
    });
  });
  server.on('connection', (socket: Socket) => socket.once('close', () => asked.delete(socket)));
  return () => {
    closed ??= new Promise((resolve) => {
      for (const stream of streams) stream.close();
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      NetServer.prototype.close.call(server, () => {
        clearTimeout(timer);
        // What is left is a timer of node:http's.
        server.close();
        resolve();
      });
      for (const [socket, count] of asked) if (count === 0) socket.end();
    });
    return closed;
  };
}
