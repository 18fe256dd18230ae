/**
 * A gateway as its operator has it: a real process started from a configuration file, real upstreams, real clients.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Decision } from '#src/model/slo.ts';
import type { Status } from '#src/model/status.ts';
import { listenLoopback } from './plane.ts';
import type { Place } from './runner/places/place.ts';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Bounds every wait; reached only when something is broken. */
const HANG_MS = 60_000;
const POLL_MS = 20;

export interface GatewayProcess {
  readonly child: ChildProcess;
  readonly proxyUrl: string;
  readonly adminUrl: string;
  /** Everything written to standard output and error so far, in whole lines. */
  readonly output: () => string;
  /** Replaces the configuration file, or the one beside it that has another ending, by an atomic rename. */
  save(text: string, ending?: string): void;
  status(): Promise<Status>;
  decisions(): Promise<readonly Decision[]>;
  /** Resolves with the exit code. */
  exited: Promise<number | null>;
  /** Ends the process if it still runs and removes its folder. */
  end(): Promise<void>;
}

interface Started {
  readonly child: ChildProcess;
  readonly file: string;
  readonly exited: Promise<number | null>;
  readonly output: () => string;
  readonly cleanUp: () => Promise<void>;
}

/** What a gateway is started with besides its document. */
export interface Surroundings {
  readonly env?: Readonly<Record<string, string>>;
  /** Lies beside the document, as `gateway.yaml.sig`. */
  readonly signature?: string;
  /** Options of the runtime, and of `sluice run`. */
  readonly nodeArgs?: readonly string[];
  readonly args?: readonly string[];
  /** Where it runs; default: here. */
  readonly place?: Place;
  /** Goes before its own, and lets it run in its place. */
  readonly command?: readonly string[];
}

function launch(
  config: string,
  { env, signature, nodeArgs = [], args = [], place, command: before = [] }: Surroundings = {},
): Started {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const file = join(folder, 'gateway.yaml');
  writeFileSync(file, config);
  if (signature !== undefined) writeFileSync(`${file}.sig`, signature);
  const options = { stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } };
  const run = [...before, process.execPath, ...nodeArgs, MAIN, 'run', '--config', file, ...args];
  const [command, ...rest] = place === undefined ? run : [...place.command, ...run];
  const child = spawn(command as string, rest, options);
  const output = linesOf(child.stdout, child.stderr);
  const exited = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return {
    child,
    file,
    exited,
    output,
    cleanUp: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** What streams have said so far, in whole lines: a chunk may end within one, or within a letter, and another stream's come next. */
export function linesOf(...streams: readonly (Readable | null)[]): () => string {
  let text = '';
  for (const stream of streams) {
    let rest = '';
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      const said = rest + chunk;
      const end = said.lastIndexOf('\n') + 1;
      text += said.slice(0, end);
      rest = said.slice(end);
    });
    stream?.on('end', () => {
      text += rest;
      rest = '';
    });
  }
  return () => text;
}

/** Starts `sluice run` and resolves once it serves; rejects with its output when it ends before. */
export async function startGatewayProcess(
  config: string,
  patienceMs = HANG_MS,
  surroundings: Surroundings = {},
): Promise<GatewayProcess> {
  const { child, file, exited, output, cleanUp } = launch(config, surroundings);
  try {
    const isUp = (): boolean => /^config /m.test(output()) || child.exitCode !== null;
    await until('the gateway serves', isUp, patienceMs);
    if (child.exitCode !== null) throw new Error(`the gateway ended: ${output()}`);
  } catch (error) {
    await cleanUp();
    throw error;
  }
  const url = async (name: string): Promise<string> => {
    const there = new RegExp(`^${name} +(http\\S+)`, 'm').exec(output())?.[1] as string;
    const { place } = surroundings;
    return place === undefined ? there : `http://127.0.0.1:${await place.door(Number(new URL(there).port))}`;
  };
  const [proxyUrl, adminUrl] = [await url('proxy'), await url('admin')];
  // On a connection of its own: one that is kept may be closed as idle just when a process that stood still asks again.
  const get = async <T>(path: string): Promise<T> =>
    (await fetch(adminUrl + path, { headers: { connection: 'close' } })).json() as Promise<T>;
  return {
    child,
    proxyUrl,
    adminUrl,
    output,
    exited,
    save: (text, ending = '') => {
      writeFileSync(`${file}.new`, text);
      renameSync(`${file}.new`, file + ending);
    },
    status: () => get<Status>('/api/v1/status'),
    decisions: async () => (await get<{ decisions: Decision[] }>('/api/v1/decisions')).decisions,
    end: cleanUp,
  };
}

/** Runs `sluice run` on a configuration that must not start; resolves with its exit code and output. */
export async function runToExit(
  config: string,
  surroundings: Surroundings = {},
): Promise<{ code: number | null; output: string }> {
  const { exited, output, cleanUp } = launch(config, surroundings);
  const code = await Promise.race([exited, sleep(HANG_MS, 'hangs' as const, { ref: false })]);
  await cleanUp();
  if (code === 'hangs') throw new Error(`still running: ${output()}`);
  return { code, output: output() };
}

/** Polls until `done()` holds. Its patience is counted in polls: a machine that stands still does not use it up. */
export async function until(what: string, done: () => boolean | Promise<boolean>, patienceMs = HANG_MS): Promise<void> {
  for (let waitedMs = 0; !(await done()); waitedMs += POLL_MS) {
    if (waitedMs > patienceMs) throw new Error(`hangs: ${what}`);
    await sleep(POLL_MS);
  }
}

/** Resolves when every worker has the configuration in force: the status tells of it before, and an answer is one worker's word. */
export async function linked({ status }: Pick<GatewayProcess, 'status'>): Promise<void> {
  await until('every worker has it', async () => {
    const { config, workers } = await status();
    return workers.every(({ revision }) => revision === config.revision);
  });
}

/** Resolves when the output has what is looked for: it comes by another way than answers, and may come later. */
export async function logged({ output }: Pick<GatewayProcess, 'output'>, pattern: RegExp): Promise<void> {
  const isThere = (): boolean => pattern.test(output());
  await until(`${pattern} is written`, isThere).catch((error: unknown) => {
    throw new Error(output(), { cause: error });
  });
}

/** A service that answers with its name; `mode` decides how. */
export interface TestService {
  readonly port: number;
  status: number;
  served: number;
  close(): Promise<void>;
}

export async function startService(name: string): Promise<TestService> {
  const server: Server = createServer((incoming, outgoing) => {
    incoming.resume();
    service.served++;
    outgoing.statusCode = service.status;
    outgoing.end(name);
  });
  server.keepAliveTimeout = 60_000;
  const service: TestService = {
    port: await listenLoopback(server),
    status: 200,
    served: 0,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  return service;
}

export interface LoadCounts {
  sent: number;
  /** By answer, `200 v1`, or by the error's code. */
  readonly answers: Map<string, number>;
}

/** A load ends by itself when nobody answered for so long. */
const ALONE_MS = 60_000;

/** Closed-loop load over keep-alive connections until stopped; each request has another of `users` user keys. */
export function startLoad(
  url: string,
  options: { connections: number; users: number; headers?: Record<string, string> },
): { counts: LoadCounts; stop(): Promise<LoadCounts> } {
  const agent = new Agent({ keepAlive: true, maxSockets: options.connections });
  const counts: LoadCounts = { sent: 0, answers: new Map() };
  let isStopped = false;
  let answeredAtMs = performance.now();
  const note = (answer: string): void => void counts.answers.set(answer, (counts.answers.get(answer) ?? 0) + 1);
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const user = `user-${counts.sent++ % options.users}`;
      const sent = request(url, { agent, headers: { 'x-user-id': user, ...options.headers } }, (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => {
          answeredAtMs = performance.now();
          note(`${response.statusCode} ${response.statusCode === 200 ? body : ''}`.trim());
          resolve();
        });
        response.on('error', (error: NodeJS.ErrnoException) => {
          note(error.code ?? error.message);
          resolve();
        });
      });
      sent.on('error', (error: NodeJS.ErrnoException) => {
        note(error.code ?? error.message);
        resolve();
      });
      sent.end();
    });
  const loops = Array.from({ length: options.connections }, async () => {
    // Of a test that failed, which stops nothing, the gateway is gone.
    while (!isStopped && performance.now() - answeredAtMs < ALONE_MS) await one();
  });
  return {
    counts,
    stop: async () => {
      isStopped = true;
      await Promise.all(loops);
      agent.destroy();
      return counts;
    },
  };
}
