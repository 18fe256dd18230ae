/**
 * The runtime's own TCP handles, which `node:net` is made of: the one file that knows they exist.
 *
 * Not a public interface: it holds for the Node version that the lockfile pins, and whoever starts another one is told at
 * once instead of at the first request. What it is worth: docs/adr/0013-wires.md.
 */

import { getSystemErrorName } from 'node:util';
import type { Wire } from './wire.ts';

/** A write that the kernel did not take at once; made by the runtime, which leaves these fields to us. */
export interface WriteRequest {
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
  handle: WireHandle;
  /** Bytes it holds, for the account of what waits. */
  bytes: number;
  /** Kept from being collected while the kernel has not taken it all. */
  buffer: Uint8Array | null;
}

export interface ShutdownRequest {
  oncomplete: ((this: ShutdownRequest, status: number) => void) | null;
  wire: Wire | null;
}

/**
 * What a wire is put on: a TCP connection of libuv, or TLS over one (`tls/handle.ts`). Calls return 0 or a negative system error number.
 *
 * It lives until it was closed, and its wire with it, whether anybody else refers to them or not. Arguments of another
 * type than is written here end the whole process: the runtime asserts them.
 */
export interface WireHandle {
  /** Whose it is. */
  wire: Wire | null;
  /** What it returns is the memory of the next reads, instead of the one before; undefined changes nothing. */
  onread: ((this: WireHandle) => Uint8Array | undefined) | null;
  /** Of `node:net`: does its socket believe that it reads? */
  reading: boolean;
  /** Since it was opened, what waits included. */
  readonly bytesWritten: number;
  readStart(): number;
  readStop(): number;
  /** Reads go into this memory from now on, instead of a fresh allocation each. Does not keep it from being collected. */
  useUserBuffer(buffer: Uint8Array): void;
  /**
   * Writes what the kernel takes at once. @param request null: the runtime makes one if some of it has to wait.
   * @returns a number when nothing waits; else the request, whose outcome so far is `STATE[WRITE_ERROR]`.
   */
  writeLatin1String(request: null, text: string): WriteRequest | number;
  writeBuffer(request: null, bytes: Uint8Array): WriteRequest | number;
  shutdown(request: ShutdownRequest): number;
  close(closed?: () => void): void;
  /** Closes with RST. While a shutdown is under way it is refused, and then no `close` has an effect any more either. */
  reset(closed?: () => void): number;
}

/** One TCP connection of libuv. */
export interface Handle extends WireHandle {
  /** Bytes that were written and the kernel has not taken. */
  readonly writeQueueSize: number;
  setNoDelay(isOn: boolean): number;
  getpeername(out: { address?: string; port?: number }): number;
  getsockname(out: { address?: string; port?: number }): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
}

export interface ConnectRequest {
  oncomplete: ((status: number) => void) | null;
}

/** A listening handle. */
export interface ServerHandle {
  /** Its descriptor; absent where the system has none. */
  readonly fd?: number;
  /** Connections that it accepts inherit it. Source: tcp(7), sockets of Linux and of the BSDs. */
  setNoDelay(isOn: boolean): number;
  onconnection: (status: number, client: Handle | undefined) => void;
}

interface StreamBinding {
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  /** Absent before Node 26. */
  readonly kLastWriteErr?: number;
  readonly kLastWriteWasAsync: number;
  readonly kBytesWritten: number;
  readonly ShutdownWrap: new () => ShutdownRequest;
  readonly WriteWrap: new () => WriteRequest;
}

interface TcpBinding {
  readonly TCP: new (type: number) => Handle;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly constants: { readonly SOCKET: number };
}

/** What is called on a handle. */
const METHODS: readonly Exclude<keyof Handle, 'wire'>[] = [
  'onread',
  'readStart',
  'readStop',
  'useUserBuffer',
  'writeLatin1String',
  'writeBuffer',
  'shutdown',
  'close',
  'reset',
  'writeQueueSize',
  'setNoDelay',
  'getpeername',
  'getsockname',
  'connect',
  'connect6',
];

const stream = bind<StreamBinding>('stream_wrap', [
  'streamBaseState',
  'kReadBytesOrError',
  'kLastWriteWasAsync',
  'kBytesWritten',
  'ShutdownWrap',
  'WriteWrap',
]);
const tcp = bind<TcpBinding>('tcp_wrap', ['TCP', 'TCPConnectWrap', 'constants']);
refuse(
  'TCP',
  METHODS.filter((method) => !(method in tcp.TCP.prototype)),
);

/** What the last call of a handle left behind: `STATE[READ]` bytes or error, `STATE[WRITE_ERROR]` of a write that waits. */
export const STATE = stream.streamBaseState;
export const READ = stream.kReadBytesOrError;
export const WRITE_ERROR = stream.kLastWriteErr ?? stream.kBytesWritten;

// It came with writes that make their own request.
if (stream.kLastWriteErr === undefined) bringRequests();

export const { ShutdownWrap } = stream;
export const { TCPConnectWrap } = tcp;

/** Read result at the end of what the peer sends. Source: libuv `UV_EOF`. */
export const EOF = -4095;

/** A handle that is not connected. */
export function newHandle(): Handle {
  return new tcp.TCP(tcp.constants.SOCKET);
}

/** `ECONNRESET` and the like of a negative error number. */
export function errorName(status: number): string {
  return getSystemErrorName(status);
}

/**
 * Before Node 26 every write must bring a request, or the first one ends the process; whether it waits is told beside its
 * result, and its error is the result. Here writes without one get one.
 */
function bringRequests(): void {
  const { WriteWrap, kLastWriteWasAsync, streamBaseState: state } = stream;
  const { prototype } = tcp.TCP;
  const { writeLatin1String, writeBuffer } = prototype as unknown as Record<string, NativeWrite>;
  // Most writes are taken whole, and leave it as it was.
  let spare = new WriteWrap();
  const bringing = (write: NativeWrite): NativeWrite =>
    function (given, data) {
      // `node:net` brings its own, and reads the state itself.
      if (given !== null) return write.call(this, given, data);
      const request = spare;
      const result = write.call(this, request, data);
      if (result === 0 && state[kLastWriteWasAsync] === 0) return result;
      spare = new WriteWrap();
      if (result !== 0) return result;
      state[WRITE_ERROR] = 0;
      return request;
    };
  Object.assign(prototype, {
    writeLatin1String: bringing(writeLatin1String as NativeWrite),
    writeBuffer: bringing(writeBuffer as NativeWrite),
  });
}

type NativeWrite = (this: Handle, request: WriteRequest | null, data: string | Uint8Array) => WriteRequest | number;

function bind<T>(name: string, members: readonly string[]): T {
  const runtime = process as unknown as { binding?: (name: string) => Record<string, unknown> };
  const found = runtime.binding?.(name) ?? {};
  refuse(
    name,
    members.filter((member) => found[member] === undefined),
  );
  return found as T;
}

/** @throws when something is missing. */
function refuse(where: string, missing: readonly string[]): void {
  if (missing.length === 0) return;
  throw new Error(
    `Node ${process.version} has no ${missing.join(', ')} in ${where}: start Sluice with Node 24 or 26, or with the one that its lockfile brings (npm start)`,
  );
}
