/**
 * Child processes of the bench: pinned to a core, waited for, and ended by their own pid whatever happens.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How long a child may take to end by itself. */
const STOP_WAIT_MS = 3_000;
const READY_STEP_MS = 50;
const READY_STEPS_MAX = 200;
const OUTPUT_CHARS_MAX = 4_000;

/** A child with the newest of what it printed. */
export interface Child {
  readonly name: string;
  readonly pid: number;
  readonly process: ChildProcess;
  /** Both streams, cut at the front. */
  readonly output: () => string;
}

/** The children of one run. */
export class Children {
  readonly #all: Child[] = [];
  readonly #stopWaitMs: number;

  constructor(stopWaitMs: number = STOP_WAIT_MS) {
    this.#stopWaitMs = stopWaitMs;
  }

  /** Starts a program on one core; `core` -1 leaves it where the kernel puts it. */
  start(name: string, core: number, [program = '', ...args]: readonly string[]): Child {
    const pinned = core < 0 ? [program, ...args] : ['taskset', '-c', String(core), program, ...args];
    const [first = '', ...rest] = pinned;
    const child = spawn(first, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARS_MAX);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => keep(Buffer.from(`${error.message}\n`)));
    if (child.pid === undefined) throw new Error(`${name}: ${first} could not be started`);
    const started: Child = { name, pid: child.pid, process: child, output: () => output };
    this.#all.push(started);
    return started;
  }

  /** Ends every child that still lives: asks first, then insists. */
  async stopAll(): Promise<void> {
    await Promise.all(this.#all.map((child) => stop(child, this.#stopWaitMs)));
  }

  /** For the exit of the process itself, where nothing can be awaited. */
  killAll(): void {
    for (const { process } of this.#all) if (isAlive(process)) process.kill('SIGKILL');
  }
}

function isAlive(process: ChildProcess): boolean {
  return process.exitCode === null && process.signalCode === null;
}

async function stop({ process }: Child, waitMs: number): Promise<void> {
  if (!isAlive(process)) return;
  const ended = once(process, 'exit');
  process.kill('SIGTERM');
  const timer = setTimeout(() => process.kill('SIGKILL'), waitMs);
  await ended;
  clearTimeout(timer);
}

/** A port of the loopback interface that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Status of a GET, or 0 when nobody answers. */
function statusOf(url: string): Promise<number> {
  return new Promise((resolve) => {
    const request = get(url, { timeout: 1_000 }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(0));
  });
}

/** Waits until a URL answers 200. @throws with the child's output when it ends or takes longer than 10 s */
export async function untilReady(child: Child, url: string): Promise<void> {
  for (let step = 0; step < READY_STEPS_MAX; step++) {
    if (!isAlive(child.process)) throw new Error(`${child.name} ended while starting:\n${child.output()}`);
    if ((await statusOf(url)) === 200) return;
    await sleep(READY_STEP_MS);
  }
  throw new Error(`${child.name} did not answer 200 at ${url}:\n${child.output()}`);
}
