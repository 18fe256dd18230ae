/**
 * Mixed traffic without end: whole requests, clients that leave, readers that stop for a while, and new configurations.
 */

import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Random } from '#src/lib/random.ts';
import { type GatewayProcess, startLoad } from '../../test/support/gateway.ts';
import { leaveMany } from '../../test/support/proxy/aborts.ts';

/** What was done so far. */
export interface Done {
  readonly answers: () => number;
  /** Whole requests that did not get the answer they should. */
  readonly wrong: () => readonly string[];
  readonly left: () => number;
  readonly slowReads: () => number;
  readonly reloads: () => number;
}

export interface Traffic {
  readonly done: Done;
  /** Resolves when the last client is gone. */
  stop(): Promise<void>;
}

const KEPT_ALIVE = 16;
const LEAVING_AT_ONCE = 16;
const SLOW_READERS = 8;
const SLOW_MS_MAX = 3000;
/** Bytes of the answer to `/big`, head aside. */
const BIG_BYTES = 300_000;
const RELOAD_MS = 10_000;

/** Reads a big answer after a pause; says what is wrong with it, or nothing. */
async function readLate(port: number, pauseMs: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port });
  socket.pause();
  socket.write('GET /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
  await sleep(pauseMs);
  let bytes = 0;
  let head = '';
  try {
    for await (const part of socket) {
      if (bytes === 0) head = (part as Buffer).toString('latin1', 0, 12);
      bytes += (part as Buffer).length;
    }
  } catch (error) {
    return `slow reader: ${String(error)}`;
  }
  return head === 'HTTP/1.1 200' && bytes > BIG_BYTES ? '' : `slow reader: ${head}, ${bytes} bytes`;
}

/** Starts it. @param config the configuration that is saved again and again, a little different each time */
export function startTraffic(gateway: GatewayProcess, config: string, random: Random): Traffic {
  const port = Number(new URL(gateway.proxyUrl).port);
  const load = startLoad(`${gateway.proxyUrl}/ok`, { connections: KEPT_ALIVE, users: 1000 });
  const counts = { left: 0, slowReads: 0, reloads: 0 };
  const faults: string[] = [];
  let isOver = false;
  const leaving = async (): Promise<void> => {
    for (; !isOver; counts.left += 100) await leaveMany(port, random, 100, LEAVING_AT_ONCE);
  };
  const slow = async (): Promise<void> => {
    for (; !isOver; counts.slowReads++) {
      const fault = await readLate(port, random.nextUint32() % SLOW_MS_MAX);
      if (fault !== '') faults.push(fault);
    }
  };
  const reloading = setInterval(() => gateway.save(`${config}# ${counts.reloads++}\n`), RELOAD_MS);
  const loops = [leaving(), ...Array.from({ length: SLOW_READERS }, slow)];
  return {
    done: {
      answers: () => [...load.counts.answers.values()].reduce((a, b) => a + b, 0),
      wrong: () => [
        ...faults,
        ...[...load.counts.answers].filter(([answer]) => answer !== '200 ok').map(([answer, n]) => `${n} x ${answer}`),
      ],
      left: () => counts.left,
      slowReads: () => counts.slowReads,
      reloads: () => counts.reloads,
    },
    stop: async () => {
      isOver = true;
      clearInterval(reloading);
      await Promise.all([load.stop(), ...loops]);
    },
  };
}
