/**
 * Has the kernel let a thread go on as soon as it is woken, though another thread works on its core.
 *
 * Else Linux lets it wait until that one has had its slice: 1.4 ms and more, seen only by the timer's ticks, which are up to 4 ms apart.
 * From 6.12 on it gives way at once to whoever has asked for shorter slices and has had no more than its share. The shares stay as they were,
 * and privileges are not needed. Threads that are started by this one begin with its slices.
 * Source: Linux, sched_setattr(2) and "EEVDF Scheduler"; docs/adr/0045-short-slices.md.
 */

/** The shortest that Linux grants. */
const SLICE_NS = 100_000n;
/** Numbers of the system calls `sched_setattr` and `sched_getattr`. */
const CALLS: ReadonlyMap<string, readonly [set: bigint, get: bigint]> = new Map([
  ['x64', [314n, 315n]],
  ['arm64', [274n, 275n]],
]);
/** `struct sched_attr` as it was first: later ones are longer, and every kernel takes each. */
const ATTRIBUTES_BYTES = 48;
const AT = { size: 0, policy: 4, runtime: 24 } as const;
const POLICY_NORMAL = 0;
const THIS_THREAD = 0n;

/** Asks for them. Does not throw. @returns why this thread has none; empty when it has */
export function takeShortSlices(): string {
  const calls = CALLS.get(process.arch);
  if (process.platform !== 'linux' || calls === undefined) return `not for ${process.platform} on ${process.arch}`;
  try {
    return take(...calls);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function take(set: bigint, get: bigint): string {
  const call = systemCall();
  const attributes = Buffer.alloc(ATTRIBUTES_BYTES);
  const read = (): bigint => call(get, attributes, [BigInt(ATTRIBUTES_BYTES), 0n]);
  if (read() !== 0n) return 'the kernel does not tell how this thread is scheduled';
  const policy = attributes.readUInt32LE(AT.policy);
  if (policy !== POLICY_NORMAL) return `this thread is scheduled by policy ${policy}, which is left as it is`;
  attributes.writeUInt32LE(ATTRIBUTES_BYTES, AT.size);
  attributes.writeBigUInt64LE(SLICE_NS, AT.runtime);
  if (call(set, attributes, [0n, 0n]) !== 0n) return 'the kernel refuses';
  // Before Linux 6.12 it is taken, and means nothing.
  const isTaken = read() === 0n && attributes.readBigUInt64LE(AT.runtime) === SLICE_NS;
  return isTaken ? '' : 'the kernel has no slices to choose from; Linux 6.12 has';
}

/** One of `CALLS` about this thread, and what it is given besides the attributes. Returns 0, or -1 when it is refused. */
type SystemCall = (call: bigint, attributes: Buffer, rest: readonly [bigint, bigint]) => bigint;

function systemCall(): SystemCall {
  const ffi = quietly(() => process.getBuiltinModule('node:ffi'));
  if (ffi === undefined) throw new Error('this Node has no node:ffi; 26.1 has');
  const signature = { arguments: ['int64', 'int64', 'pointer', 'int64', 'int64'], return: 'int64' } as const;
  const { syscall } = ffi.dlopen(null, { syscall: signature }).functions;
  return (call, attributes, rest) => syscall(call, THIS_THREAD, attributes, ...rest);
}

/** To whoever loads it the runtime says, once per thread, that it is experimental: known, and nothing for an operator's log. */
function quietly<T>(load: () => T): T {
  const emitWarning = process.emitWarning.bind(process);
  process.emitWarning = () => undefined;
  try {
    return load();
  } finally {
    process.emitWarning = emitWarning;
  }
}
