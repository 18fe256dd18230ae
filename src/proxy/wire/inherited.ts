/**
 * Handles over listening sockets that this process was born with.
 *
 * A handle owns its descriptor and closes it when it is closed itself; so there is one for each descriptor, made when it is
 * first asked for and kept for good. Like `binding.ts` this stands on the runtime's own handles.
 */

import { errorName } from './binding.ts';

interface ServerHandle {
  open(fd: number): number;
  getsockname(out: { address?: string; port?: number }): number;
}

interface TcpBinding {
  readonly TCP: new (type: number) => ServerHandle;
  readonly constants: { readonly SERVER: number };
}

const handles = new Map<number, ServerHandle>();

/**
 * The handle of a descriptor.
 * @throws Error with the system's name of what is wrong with it.
 */
export function inheritedHandle(fd: number): ServerHandle {
  const known = handles.get(fd);
  if (known !== undefined) return known;
  const runtime = process as unknown as { binding(name: string): unknown };
  const { TCP, constants } = runtime.binding('tcp_wrap') as TcpBinding;
  const handle = new TCP(constants.SERVER);
  const status = handle.open(fd);
  if (status < 0) throw new Error(errorName(status));
  handles.set(fd, handle);
  return handle;
}

/** Where a socket is bound, IPv6 without brackets; null: it is no socket of IP. */
export function boundTo(fd: number): { readonly host: string; readonly port: number } | null {
  const at: { address?: string; port?: number } = {};
  try {
    if (inheritedHandle(fd).getsockname(at) < 0) return null;
  } catch {
    return null;
  }
  const { address = '', port = 0 } = at;
  return address === '' ? null : { host: address, port };
}
