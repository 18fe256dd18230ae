/**
 * A gateway that is restarted as its operator does it: real processes, a program on the disk that can be replaced, load
 * that counts what it is refused.
 */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { once } from '#src/lib/once.ts';
import type { Decision } from '#src/model/slo.ts';
import type { Status } from '#src/model/status.ts';
import { linesOf, startLoad, until } from '../gateway.ts';

const MAIN = new URL('../../../src/main.ts', import.meta.url);
/** What runs when nobody has replaced it. */
export const GOOD_PROGRAM = `await import(${JSON.stringify(MAIN.href)});\n`;

export interface Restarting {
  readonly proxyUrl: string;
  readonly adminUrl: string;
  readonly first: ChildProcess;
  /** Exit code of the first process. */
  readonly firstExited: Promise<number | null>;
  /** Everything that all processes wrote, in whole lines. */
  readonly output: () => string;
  /** The process that serves, by the pid file. */
  readonly pid: () => number;
  /** Replaces the program on the disk. */
  program(text: string): void;
  /** Replaces the configuration by an atomic rename. */
  save(text: string): void;
  status(): Promise<Status>;
  decisions(): Promise<readonly Decision[]>;
  signal(name: NodeJS.Signals): void;
}

export interface RestartingOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Text of what the first process runs; default: GOOD_PROGRAM. */
  readonly program?: string;
  /** What runs instead of Node and the program. */
  readonly executable?: string;
  /** Line of shell that ends in `exec "$@"`; default: none. */
  readonly shell?: string;
  /** Descriptors of this process that the gateway gets from 3 on. */
  readonly fds?: readonly number[];
}

/** Starts a gateway with a pid file, and ends all that it became after the test. */
export async function startRestarting(
  t: TestContext,
  config: string,
  { args = [], env = {}, program: text = GOOD_PROGRAM, executable, shell, fds = [] }: RestartingOptions = {},
): Promise<Restarting> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-restart-'));
  const [file, program, pidFile] = [join(folder, 'gateway.yaml'), join(folder, 'main.mjs'), join(folder, 'pid')];
  writeFileSync(file, config);
  writeFileSync(program, text);
  const sluice = executable === undefined ? [process.execPath, program] : [executable];
  const command = [...sluice, 'run', '--config', file, '--pid-file', pidFile, ...args];
  const [name, ...argv] = shell === undefined ? command : ['sh', '-c', shell, 'sh', ...command];
  const first = spawn(name as string, argv, {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    env: { ...process.env, ...env },
  });
  const output = linesOf(first.stdout, first.stderr);
  const firstExited = new Promise<number | null>((resolve) => first.once('exit', (code) => resolve(code)));
  t.after(async () => {
    if (process.env['SLUICE_TEST_OUTPUT'] !== undefined) process.stderr.write(output());
    await endAll([first.pid as number, ...startedIn(output())]);
    rmSync(folder, { recursive: true, force: true });
  });
  await until('the gateway serves', () => announcements(output()) > 0 || first.exitCode !== null);
  assert.equal(first.exitCode, null, output());
  const url = (line: string): string => new RegExp(`^${line} +(http\\S+)`, 'm').exec(output())?.[1] as string;
  const adminUrl = url('admin');
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(adminUrl + path, { headers: { connection: 'close' } });
    return (await response.json()) as T;
  };
  const replace = (path: string, content: string): void => {
    writeFileSync(`${path}.new`, content);
    renameSync(`${path}.new`, path);
  };
  const pid = (): number => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0);
  return {
    proxyUrl: url('proxy'),
    adminUrl,
    first,
    firstExited,
    output,
    pid,
    program: (content) => replace(program, content),
    save: (content) => replace(file, content),
    status: () => get<Status>('/api/v1/status'),
    decisions: async () => (await get<{ decisions: Decision[] }>('/api/v1/decisions')).decisions,
    signal: (signal) => void process.kill(pid(), signal),
  };
}

/**
 * Asks for a restart and waits until another process serves, and obeys: the old one hears that it does a little before it takes
 * signals and commands.
 * @returns its pid
 */
export async function restarted(gateway: Restarting): Promise<number> {
  const before = gateway.pid();
  const failures = gateway.output().split('"restart_failed"').length;
  const announced = announcements(gateway.output());
  gateway.signal('SIGUSR2');
  await until('another process serves', () => {
    assert.equal(gateway.output().split('"restart_failed"').length, failures, gateway.output());
    const isAnnounced = announcements(gateway.output()) > announced;
    return gateway.pid() !== before && saysLeft(gateway, gateway.pid()) && isAnnounced;
  });
  return gateway.pid();
}

/** How many processes have said that they serve. */
function announcements(text: string): number {
  return text.match(/^config /gm)?.length ?? 0;
}

/** Whether the old process has said that it leaves to this one. */
function saysLeft({ output }: Restarting, pid: number): boolean {
  return output().includes(`"event":"restarted","successor":${pid},`);
}

/** Asks for a restart that must fail. @returns why it did, as the log says it. */
export async function refusedRestart(gateway: Restarting): Promise<string> {
  const failures = (): RegExpMatchArray[] => [
    ...gateway.output().matchAll(/"restart_failed","because":"(.*?)","now"/g),
  ];
  const before = failures().length;
  gateway.signal('SIGUSR2');
  await until('it has failed', () => failures().length > before);
  return failures().at(-1)?.[1] ?? '';
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Processes that these ones started. */
function startedIn(text: string): number[] {
  return [...text.matchAll(/"event":"restart_begun".*?"successor":(\d+)/g)].map(([, pid]) => Number(pid));
}

/** Unless it ends by itself meanwhile. */
function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

async function endAll(pids: readonly number[]): Promise<void> {
  const ours = pids.filter((pid) => pid > 0 && isAlive(pid));
  for (const pid of ours) kill(pid);
  await until('all processes are gone', () => !ours.some(isAlive));
}

/** Load over kept connections and over new ones, until `stop` or the end of the test; what is not a 200 of the service is a failure. */
export function startMixedLoad(t: TestContext, url: string): { sent(): number; stop(): Promise<Map<string, number>> } {
  const kept = startLoad(url, { connections: 6, users: 100 });
  const answers = new Map<string, number>();
  let isStopped = false;
  let fresh = 0;
  const loops = Array.from({ length: 2 }, async () => {
    while (!isStopped) {
      fresh += 1;
      const answer = await freshAnswer(url);
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  });
  const stop = once(async () => {
    isStopped = true;
    await Promise.all(loops);
    const { answers: more } = await kept.stop();
    for (const [answer, count] of more) answers.set(answer, (answers.get(answer) ?? 0) + count);
    return answers;
  });
  t.after(stop);
  return { sent: () => kept.counts.sent + fresh, stop };
}

function freshAnswer(url: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(url, { agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(`${response.statusCode} ${body}`));
      response.on('error', (error: NodeJS.ErrnoException) => resolve(`new: ${error.code}`));
    });
    sent.on('error', (error: NodeJS.ErrnoException) => resolve(`new: ${error.code}`));
    sent.end();
  });
}
