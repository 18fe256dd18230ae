/**
 * The demo's child processes: started, watched, and ended on every way out.
 *
 * Each has an IPC channel, whose closing tells it that the demo is gone even if the demo was killed; each is in a process
 * group of its own, so that Ctrl-C reaches the demo alone and children end in order. `endAll` asks (SIGTERM), waits, then
 * kills, always by the pid of a process started here.
 */

import { type ChildProcess, fork, spawn } from 'node:child_process';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { ServiceOrder, ServiceReport } from './service.ts';

/** Time a child has to end after SIGTERM. */
const GRACE_MS = 4000;
const START_MS = 60_000;
/** How often, and at which interval, the end of a child is looked for that something else may have failed with. */
const LOOKS = 20;
const LOOK_MS = 50;
/** Characters of a child's stderr that are kept, the newest, for the message when it ends unexpectedly. */
const ERROR_TEXT_MAX = 4000;

/** A version of the service. */
export interface ServiceChild {
  readonly pid: number;
  readonly port: number;
  /** Resolves when the service has confirmed. */
  order(order: ServiceOrder): Promise<void>;
}

export interface GatewayChild {
  readonly pid: number;
}

export interface Children {
  /** Rejects when the service does not come up within a minute. */
  service(version: string): Promise<ServiceChild>;
  gateway(configFile: string): GatewayChild;
  /** Rejects as soon as a child ends that nobody ended; never resolves. */
  readonly failed: Promise<never>;
  /** Rejects with the end of a child that is heard of within a second, else with `error`: a request to a child that has just ended fails first. */
  blame(error: unknown): Promise<never>;
  /** Ends every child. Idempotent. */
  endAll(): Promise<void>;
}

/** The TypeScript source runs as it is, the built package as JavaScript: neighbors have the extension of this file. */
function neighbor(path: string): string {
  return fileURLToPath(new URL(path + extname(fileURLToPath(import.meta.url)), import.meta.url));
}

/** Makes the set of children. */
export function createChildren(): Children {
  const alive = new Set<ChildProcess>();
  let isEnding = false;
  let ended: Promise<void> | null = null;
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // The last resort: whatever ends this process, nothing is left behind.
  const killAll = () => {
    for (const child of alive) child.kill('SIGKILL');
  };
  process.once('exit', killAll);

  const adopt = (child: ChildProcess, name: string): number => {
    alive.add(child);
    let errorText = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      errorText = (errorText + chunk.toString()).slice(-ERROR_TEXT_MAX);
    });
    child.on('error', (error) => fail(new Error(`${name} could not be started: ${error.message}`)));
    child.on('exit', () => alive.delete(child));
    // Only now everything it said on stderr has arrived.
    child.on('close', (code, signal) => {
      if (!isEnding) fail(new Error(`${name} ended with ${signal ?? `code ${code}`}\n${errorText}`.trimEnd()));
    });
    return child.pid ?? -1;
  };

  return {
    failed,
    async service(version) {
      const child = fork(neighbor('./service'), [version], {
        detached: true,
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      });
      const pid = adopt(child, `service ${version}`);
      const { port } = await reportOf(child, (report) => ('port' in report ? report : null));
      const order = async (wish: ServiceOrder) => {
        const obeyed = reportOf(child, (report) => ('obeys' in report ? report : null));
        child.send(wish);
        await obeyed;
      };
      return { pid, port, order };
    },
    gateway(configFile) {
      const args = [neighbor('../../main'), 'run', '--config', configFile, '--log-level', 'warn', '--with-parent'];
      const child = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
      return { pid: adopt(child, 'gateway') };
    },
    blame(error) {
      const looked = async (): Promise<never> => {
        for (let look = 0; look < LOOKS; look++) await sleep(LOOK_MS);
        throw error;
      };
      return Promise.race([failed, looked()]);
    },
    endAll() {
      isEnding = true;
      ended ??= Promise.all([...alive].map(end)).then(() => {
        process.off('exit', killAll);
      });
      return ended;
    },
  };
}

/** The first message that `pick` takes. */
function reportOf<T>(child: ChildProcess, pick: (report: ServiceReport) => T | null): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      child.off('message', onMessage);
      child.off('exit', onExit);
    };
    const onMessage = (message: unknown) => {
      const picked = pick(message as ServiceReport);
      if (picked === null) return;
      settle();
      resolve(picked);
    };
    const onExit = () => {
      settle();
      reject(new Error('the service ended before it answered'));
    };
    const timer = setTimeout(() => {
      settle();
      reject(new Error(`the service did not answer within ${START_MS / 1000} s`));
    }, START_MS);
    child.on('message', onMessage);
    child.on('exit', onExit);
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
    child.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    child.kill('SIGTERM');
  });
}
