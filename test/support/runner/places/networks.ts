/**
 * Two networks of their own, joined by one cable that can be cut: namespaces of the kernel, and a pair of veth between them.
 *
 * ```
 *   near  192.0.2.1 ═══════ cable ═══════ 192.0.2.2  far      each with a loopback of its own
 *     ▲                                       ▲
 *     └── doors, windows ── this process ─────┘               through processes, not over the cable
 * ```
 * | cut | what is done | who connects over it | connections of before |
 * |---|---|---|---|
 * | down | the near end of the cable is switched off | fails at once | hang |
 * | silent | the far end loses its address: every packet is lost | hangs | hang |
 *
 * Nothing of the machine's own network is touched. What a killed process left is removed by the next one.
 * Source of the addresses: RFC 5737, for documentation; they are nobody's.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { listenLoopback } from '../../plane.ts';
import { findBinary, tryNamespace } from '../servers.ts';
import { carry } from './carry.ts';
import type { Place } from './place.ts';
import type { FromResident, ToResident } from './resident.ts';

const RESIDENT = fileURLToPath(new URL('./resident.ts', import.meta.url));
const CABLE = 'cable';
const ENDS = {
  near: { address: '192.0.2.1', mac: '02:00:00:00:00:01' },
  far: { address: '192.0.2.2', mac: '02:00:00:00:00:02' },
} as const;

type End = keyof typeof ENDS;

export type Cut = 'down' | 'silent';

export interface Networks {
  readonly near: Place;
  readonly far: Place;
  cut(how: Cut): void;
  /** Undoes either cut; nothing where there is none. */
  mend(): void;
  /** Removes the networks, and ends what passed connections on. */
  end(): Promise<void>;
}

/** Why there can be no such networks here; false when there can. For `{ skip: … }`. */
export function cannotCut(): string | false {
  const ip = findBinary('ip');
  return ip === null ? 'ip is not installed' : tryNamespace(ip) || false;
}

/** Makes both networks and joins them. @throws Error with the words of `ip` */
export async function startNetworks(): Promise<Networks> {
  removeOrphans();
  const network: Record<End, string> = { near: nameOf(process.pid, 'near'), far: nameOf(process.pid, 'far') };
  const residents: Resident[] = [];
  const end = async (): Promise<void> => {
    await Promise.all(residents.map((resident) => resident.end()));
    for (const name of Object.values(network)) if (namespaces().includes(name)) ip('netns', 'delete', name);
  };
  const settle = (one: End): Place => {
    const resident = new Resident(network[one], ENDS[one].address);
    residents.push(resident);
    return resident;
  };
  try {
    for (const name of Object.values(network)) ip('netns', 'add', name);
    const peer = ['peer', 'name', CABLE, 'address', ENDS.far.mac, 'netns', network.far];
    ip('-n', network.near, 'link', 'add', CABLE, 'address', ENDS.near.mac, 'type', 'veth', ...peer);
    for (const name of Object.values(network)) ip('-n', name, 'link', 'set', 'lo', 'up');
    connectEnds(network);
    return {
      near: settle('near'),
      far: settle('far'),
      cut: (how) => {
        if (how === 'down') ip('-n', network.near, 'link', 'set', CABLE, 'down');
        else ip('-n', network.far, 'address', 'flush', 'dev', CABLE);
      },
      mend: () => connectEnds(network),
      end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Whatever the state of the cable: afterwards each end has its address, and knows where the other one is. */
function connectEnds(network: Readonly<Record<End, string>>): void {
  for (const [one, other] of [
    ['near', 'far'],
    ['far', 'near'],
  ] as const) {
    const at = ['-n', network[one]];
    ip(...at, 'link', 'set', CABLE, 'up');
    ip(...at, 'address', 'replace', `${ENDS[one].address}/24`, 'dev', CABLE);
    // Without it the near end would ask where the far one is, hear nothing, and fail sooner than a lost packet does.
    const place = ['lladdr', ENDS[other].mac, 'nud', 'permanent'];
    ip(...at, 'neighbor', 'replace', ENDS[other].address, ...place, 'dev', CABLE);
  }
}

/** Networks of processes that are no more. */
function removeOrphans(): void {
  for (const name of namespaces()) {
    const pid = /^sluice-(\d+)-/.exec(name)?.[1];
    if (pid !== undefined && !isAlive(Number(pid))) ip('netns', 'delete', name);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function nameOf(pid: number, end: End): string {
  return `sluice-${pid}-${end}`;
}

function namespaces(): string[] {
  return ip('netns', 'list')
    .split('\n')
    .map((line) => line.split(' ')[0] as string);
}

/** What it prints. @throws Error */
function ip(...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(binary(), args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}

function binary(): string {
  const path = findBinary('ip');
  if (path === null) throw new Error('ip is not installed');
  return path;
}

/** One network's place, and the process in it that passes connections on. */
class Resident implements Place {
  readonly command: readonly string[];
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #doors: Server[] = [];
  /** By port. */
  readonly #opened = new Map<number, () => void>();

  constructor(name: string, address: string) {
    this.command = [binary(), 'netns', 'exec', name];
    this.address = address;
    const [command, ...rest] = this.command;
    this.#child = spawn(command as string, [...rest, process.execPath, RESIDENT], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: FromResident, socket) => {
      if (message.kind === 'listening') this.#opened.get(message.port)?.();
      else if (socket !== undefined) carry(socket as Socket, message.port);
    });
  }

  async door(port: number): Promise<number> {
    const pass = (socket: Socket): void => this.#tell({ kind: 'carry', port }, socket);
    const server = createServer({ pauseOnConnect: true }, pass);
    this.#doors.push(server);
    return listenLoopback(server);
  }

  window(port: number): Promise<void> {
    return new Promise((resolve) => {
      this.#opened.set(port, resolve);
      this.#tell({ kind: 'listen', port });
    });
  }

  async end(): Promise<void> {
    for (const server of this.#doors) server.close();
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await gone;
  }

  #tell(message: ToResident, socket?: Socket): void {
    this.#child.send(message, socket);
  }
}
