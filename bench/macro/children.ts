/**
 * Child processes of the bench: pinned to cores, waited for, and ended by their own pid whatever happens.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { childPids } from './accounts/processes.ts';

/** How long a child may take to end by itself. */
const STOP_WAIT_MS = 3_000;
const READY_STEP_MS = 50;
/** A minute: a gateway that reads 10,000 routes takes some seconds. */
const READY_STEPS_MAX = 1_200;
const OUTPUT_CHARS_MAX = 4_000;
const PORT_MIN = 16_000;
const PORT_MAX = 32_000;
const PORT_TURNS_MAX = 100;

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

  /** Starts a program on these cores; none leaves it where the kernel puts it. */
  start(name: string, cores: readonly number[], command: readonly string[]): Child {
    const [first = '', ...rest] = pinned(cores, command);
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

  /** Ends children that still live: asks first, then insists. */
  async stop(children: readonly Child[]): Promise<void> {
    await Promise.all(children.map((child) => stop(child, this.#stopWaitMs)));
  }

  /** Ends every child. */
  stopAll(): Promise<void> {
    return this.stop(this.#all);
  }

  /** For the exit of the process itself, where nothing can be awaited. */
  killAll(): void {
    for (const { process } of this.#all) if (isAlive(process)) killTree(process);
  }
}

/** Ends the run at the first signal; at the second one everything at once. */
export function stopOnSignals(abort: AbortController, children: Children): void {
  const stop = (): void => {
    if (!abort.signal.aborted) {
      abort.abort();
      // A load is not asked again: it would run to its end.
      void children.stopAll();
      return;
    }
    children.killAll();
    process.exit(130);
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.once('exit', () => children.killAll());
}

/** The command that runs `command` on these cores only; none = the command itself. */
export function pinned(cores: readonly number[], command: readonly string[]): readonly string[] {
  return cores.length === 0 ? command : ['taskset', '-c', cores.join(','), ...command];
}

function isAlive(process: ChildProcess): boolean {
  return process.exitCode === null && process.signalCode === null;
}

/** Kills a process and its children (nginx: workers outlive a master that is killed). */
function killTree({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  for (const one of [...childPids(pid), pid]) {
    try {
      process.kill(one, 'SIGKILL');
    } catch (error) {
      // It ended by itself in between.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

async function stop({ process }: Child, waitMs: number): Promise<void> {
  if (!isAlive(process)) return;
  const ended = once(process, 'exit');
  process.kill('SIGTERM');
  const timer = setTimeout(() => killTree(process), waitMs);
  await ended;
  clearTimeout(timer);
}

/** Whether this process can listen there now. */
async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  server.listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false;
    throw error;
  }
  server.close();
  await once(server, 'close');
  return true;
}

/**
 * A port of the loopback interface that nobody listens on at this moment. It lies below those that the kernel gives to
 * outgoing connections: of the thousands that a bench opens, one would take it before the gateway does.
 */
export async function freePort(): Promise<number> {
  for (let turn = 0; turn < PORT_TURNS_MAX; turn++) {
    const port = PORT_MIN + Math.floor(Math.random() * (PORT_MAX - PORT_MIN));
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port between ${PORT_MIN} and ${PORT_MAX}`);
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

/** Waits until a URL answers 200. @throws with the child's output when it ends or takes longer than a minute */
export async function untilReady(child: Child, url: string, signal?: AbortSignal): Promise<void> {
  for (let step = 0; step < READY_STEPS_MAX; step++) {
    if (!isAlive(child.process)) throw new Error(`${child.name} ended while starting:\n${child.output()}`);
    if ((await statusOf(url)) === 200) return;
    await sleep(READY_STEP_MS, undefined, signal === undefined ? {} : { signal });
  }
  throw new Error(`${child.name} did not answer 200 at ${url}:\n${child.output()}`);
}
