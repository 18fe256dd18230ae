/**
 * The runtime's own TCP handles, which `node:net` is made of: the one file that knows they exist.
 *
 * Not a public interface: it holds for the Node version that the lockfile pins, and whoever starts another one is told at
 * once instead of at the first request. What it is worth: docs/adr/0013-wires.md.
 */

import { getSystemErrorName } from 'node:util';
import type { Wire } from './wire.ts';

/** A write that the kernel did not take at once. */
export interface WriteRequest {
  oncomplete: ((this: WriteRequest, status: number) => void) | null;
  wire: Wire | null;
  /** Bytes it holds, for the account of what waits. */
  byteCount: number;
  /** Kept from being collected while the kernel has not taken it all. */
  buffer: Uint8Array | null;
}

/** One TCP connection of libuv. Calls return 0 or a negative system error number. */
export interface Handle {
  /** Whose it is. */
  wire: Wire | null;
  onread: ((this: Handle) => void) | null;
  /** Since it was opened, what waits included. */
  readonly bytesWritten: number;
  readStart(): number;
  readStop(): number;
  /** Reads go into this memory from now on, instead of a fresh allocation each. */
  useUserBuffer(buffer: Uint8Array): void;
  writeLatin1String(request: WriteRequest, text: string): number;
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number;
  shutdown(request: { oncomplete: () => void }): number;
  close(closed?: () => void): void;
  /** Closes with RST. */
  reset(closed?: () => void): number;
  setNoDelay(isOn: boolean): number;
  getpeername(out: { address?: string; port?: number }): number;
  connect(request: ConnectRequest, address: string, port: number): number;
  connect6(request: ConnectRequest, address: string, port: number): number;
}

export interface ConnectRequest {
  oncomplete: ((status: number) => void) | null;
}

/** A listening handle. */
export interface ServerHandle {
  onconnection: (status: number, client: Handle | undefined) => void;
}

interface StreamBinding {
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => { oncomplete: () => void };
}

interface TcpBinding {
  readonly TCP: new (type: number) => Handle;
  readonly TCPConnectWrap: new () => ConnectRequest;
  readonly constants: { readonly SOCKET: number };
}

const stream = bind<StreamBinding>('stream_wrap', [
  'streamBaseState',
  'kReadBytesOrError',
  'kLastWriteWasAsync',
  'WriteWrap',
  'ShutdownWrap',
]);
const tcp = bind<TcpBinding>('tcp_wrap', ['TCP', 'TCPConnectWrap', 'constants']);

/** What the last call of a handle left behind: `STATE[READ]` bytes or error, `STATE[WAS_ASYNC]` whether a write waits. */
export const STATE = stream.streamBaseState;
export const READ = stream.kReadBytesOrError;
export const WAS_ASYNC = stream.kLastWriteWasAsync;

export const { WriteWrap, ShutdownWrap } = stream;
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

function bind<T>(name: string, members: readonly string[]): T {
  const runtime = process as unknown as { binding?: (name: string) => Record<string, unknown> };
  const found = runtime.binding?.(name) ?? {};
  const missing = members.filter((member) => found[member] === undefined);
  if (missing.length === 0) return found as T;
  throw new Error(
    `Node ${process.version} has no ${missing.join(', ')} in ${name}: start Sluice with the Node that its lockfile brings (npm start)`,
  );
}
