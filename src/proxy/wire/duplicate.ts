/**
 * Another descriptor of a listening socket, which the runtime has no call for: sent to ourselves over a local connection.
 *
 * A thread that listens on a descriptor owns it and closes it when it ends; so a socket that several threads share, or that
 * must outlive them, is given to each as a duplicate. Linux only: the connection has an abstract name, which needs no file
 * and is gone with its listener. Like `binding.ts` this stands on the runtime's own handles.
 * Source: unix(7), `SCM_RIGHTS` and "abstract"; docs/adr/0021-hand-over.md.
 */

import { randomInt } from 'node:crypto';
import { errorName } from './binding.ts';
import { inheritedHandle } from './inherited.ts';

/** It takes milliseconds; this bounds what should not happen. */
const WITHIN_MS = 2000;
const NAME_PARTS = 4;

interface LocalHandle {
  readonly fd: number;
  /** Descriptors that came with the bytes that are being read. */
  pendingHandle: { readonly fd: number } | null;
  onread: (() => void) | null;
  onconnection: ((status: number, peer: LocalHandle | undefined) => void) | null;
  bind(name: string): number;
  listen(backlog: number): number;
  open(fd: number): number;
  connect(request: object, name: string): number;
  readStart(): number;
  writeUtf8String(request: object, text: string, handle: object): number;
  close(): void;
}

interface Bindings {
  readonly pipe: {
    readonly Pipe: new (type: number) => LocalHandle;
    readonly PipeConnectWrap: new () => { oncomplete: ((status: number) => void) | null };
    readonly constants: { readonly SERVER: number; readonly IPC: number };
  };
  readonly stream: {
    readonly WriteWrap: new () => { oncomplete: ((status: number) => void) | null; handle: object };
  };
}

/**
 * A new descriptor of the same socket, not to be inherited; the caller owns it.
 * @param fd not listened on by this thread.
 * @throws Error when the system does not do it: another platform, no descriptor left, `fd` is no TCP socket.
 */
export function duplicateSocket(fd: number): Promise<number> {
  if (process.platform !== 'linux') return Promise.reject(new Error(`${process.platform} cannot duplicate sockets`));
  return new Promise((resolve, reject) => {
    const transfer = new Transfer(bindings(), resolve, reject);
    transfer.begin(fd);
  });
}

class Transfer {
  readonly #runtime: Bindings;
  readonly #resolve: (fd: number) => void;
  readonly #reject: (error: Error) => void;
  readonly #open: LocalHandle[] = [];
  readonly #timer: NodeJS.Timeout;
  #isOver = false;

  constructor(runtime: Bindings, resolve: (fd: number) => void, reject: (error: Error) => void) {
    this.#runtime = runtime;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#fail('it took too long'), WITHIN_MS);
  }

  begin(fd: number): void {
    const { pipe } = this.#runtime;
    // Nobody else can guess it in the moment that it exists; one connection is taken.
    const name = `\0sluice-${process.pid}-${Array.from({ length: NAME_PARTS }, () => randomInt(2 ** 32)).join('-')}`;
    const listener = this.#made(new pipe.Pipe(pipe.constants.SERVER));
    listener.onconnection = (status, peer) => {
      if (this.#check(status) && peer !== undefined) this.#receive(peer);
    };
    if (!this.#check(listener.bind(name)) || !this.#check(listener.listen(1))) return;
    const sender = this.#made(new pipe.Pipe(pipe.constants.IPC));
    const request = new pipe.PipeConnectWrap();
    request.oncomplete = (status) => {
      if (this.#check(status)) this.#send(sender, fd);
    };
    this.#check(sender.connect(request, name));
  }

  #send(sender: LocalHandle, fd: number): void {
    const { stream } = this.#runtime;
    const request = new stream.WriteWrap();
    request.handle = sender;
    request.oncomplete = (status) => void this.#check(status);
    let original: object;
    try {
      original = inheritedHandle(fd);
    } catch (error) {
      this.#fail((error as Error).message);
      return;
    }
    this.#check(sender.writeUtf8String(request, 'x', original));
  }

  /** The accepted end cannot take descriptors; another handle over its own can, and closes it. */
  #receive(peer: LocalHandle): void {
    const { pipe } = this.#runtime;
    const receiver = this.#made(new pipe.Pipe(pipe.constants.IPC));
    receiver.pendingHandle = null;
    receiver.onread = () => {
      const got = receiver.pendingHandle;
      if (got === null || got === undefined) this.#fail('nothing came');
      else this.#end(() => this.#resolve(got.fd));
    };
    if (this.#check(receiver.open(peer.fd))) this.#check(receiver.readStart());
  }

  #made(handle: LocalHandle): LocalHandle {
    this.#open.push(handle);
    return handle;
  }

  #check(status: number): boolean {
    if (status >= 0) return true;
    this.#fail(errorName(status));
    return false;
  }

  #fail(because: string): void {
    this.#end(() => this.#reject(new Error(`a listening socket cannot be duplicated: ${because}`)));
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    for (const handle of this.#open) handle.close();
    tell();
  }
}

function bindings(): Bindings {
  const runtime = process as unknown as { binding(name: string): unknown };
  return {
    pipe: runtime.binding('pipe_wrap') as Bindings['pipe'],
    stream: runtime.binding('stream_wrap') as Bindings['stream'],
  };
}
