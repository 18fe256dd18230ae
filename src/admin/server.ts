/**
 * The admin server: looks in, and changes nothing but by commands (commands.ts) and weights (weights.ts), on a port of its own.
 *
 * Order of refusals: malformed (400/408/431, by node:http), wrong host 421, wrong method 405, body 413, unknown page
 * 404; commands have refusals of their own. A page that throws is a 500 and is reported; it never ends the process. Heads, whole requests, idle sockets and
 * the number of connections are bounded, so that a slow or greedy client costs little.
 */

import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { ListenAddress } from '../model/config.ts';
import { SluiceError } from '../model/problem.ts';
import { type AdminActions, answerCommand, commandTarget } from './commands.ts';
import { hostFilter } from './host.ts';
import { createPages, type Pages } from './pages.ts';
import { problemReply, type Reply, replyHeaders } from './reply.ts';
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
  /** Further names to answer to, see `host.ts`. */
  readonly allowedHosts?: readonly string[];
  /** Told of every page that threw (its target) and of every failed accept (`accept`). */
  readonly onFailure?: (where: string, error: unknown) => void;
}

export interface AdminServer {
  /** `http://host:port`, with the port the kernel chose. */
  readonly url: string;
  readonly port: number;
  /** Descriptor of the listening socket; null where the system has none, and after `close`. */
  readonly fd: number | null;
  /** Closes the socket; answers under way have a second. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts the admin server.
 * @throws SluiceError SLU_PORT_IN_USE, SLU_LISTEN_FAILED
 */
export async function startAdmin(options: AdminOptions): Promise<AdminServer> {
  const isAllowed = hostFilter(options.address.host, options.allowedHosts ?? []);
  const pages = createPages(options.view);
  const actions = options.actions ?? null;
  const server = createServer(
    {
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: HEAD_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: 1000,
    },
    (request, response) => {
      void answer(
        request,
        response,
        (target) => guard(request, target, { isAllowed, pages, view: options.view, actions }),
        options,
      );
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.maxHeadersCount = HEAD_COUNT_MAX;
  server.timeout = SOCKET_IDLE_MS;
  server.on('clientError', refuseMalformed);
  const port = await listen(server, options);
  // A failed accept (descriptors exhausted) is an 'error' event, which would end the process without a listener.
  server.on('error', (error) => options.onFailure?.('accept', error));
  return {
    url: urlOf(options.address.host, port),
    port,
    close: closer(server),
    get fd() {
      return (server as unknown as { readonly _handle: { readonly fd?: number } | null })._handle?.fd ?? null;
    },
  };
}

interface Door {
  readonly isAllowed: (header: string) => boolean;
  readonly pages: Pages;
  readonly view: AdminView;
  readonly actions: AdminActions | null;
}

/** Every refusal that needs no page, then the page. */
function guard(request: IncomingMessage, target: string, door: Door): Reply | Promise<Reply> {
  const hosts = request.headersDistinct['host'] ?? [];
  if (hosts.length !== 1 || !door.isAllowed(hosts[0] as string)) {
    const detail = 'This host name is not served here; use localhost or the address the admin server is bound to';
    return problemReply(
      421,
      detail,
      request.method !== 'GET' && request.method !== 'HEAD' ? { connection: 'close' } : {},
    );
  }
  const route = weightsTarget(target);
  if (route !== null) return answerWeights(request, route, door);
  const command = commandTarget(target);
  if (command !== null) return answerCommand(request, command, door.actions);
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return problemReply(405, 'This page is read only', { allow: 'GET, HEAD', connection: 'close' });
  }
  if (request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length'] ?? 0) > 0) {
    return problemReply(413, 'No request body is taken here', { connection: 'close' });
  }
  return door.pages(target);
}

/** Sends what `produce` gives, or a 500. Never rejects. */
async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  produce: (target: string) => Reply | Promise<Reply>,
  options: AdminOptions,
): Promise<void> {
  const target = request.url ?? '/';
  let reply: Reply;
  try {
    reply = await produce(target);
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

function listenError(error: NodeJS.ErrnoException, address: ListenAddress): SluiceError {
  const where = `${address.host}:${address.port}`;
  if (error.code === 'EADDRINUSE') {
    const fix = 'end the process that listens there, or give admin another port (0 picks a free one)';
    return new SluiceError('SLU_PORT_IN_USE', `The admin address ${where} is in use: ${fix}`, { cause: error });
  }
  const message = `Cannot listen on the admin address ${where}: ${error.message}`;
  return new SluiceError('SLU_LISTEN_FAILED', message, { cause: error });
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function closer(server: Server): () => Promise<void> {
  let closed: Promise<void> | null = null;
  return () => {
    closed ??= new Promise((resolve) => {
      const timer = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
      server.close(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    return closed;
  };
}
