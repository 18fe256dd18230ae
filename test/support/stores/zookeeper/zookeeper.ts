/**
 * Writes nodes into a real ZooKeeper, as an operator would.
 */

import assert from 'node:assert/strict';
import type { JuteWriter } from '#src/sources/stores/zookeeper/jute.ts';
import { ZooSession } from '#src/sources/stores/zookeeper/session.ts';
import type { Keys } from '../keys.ts';

const OPERATION = { create: 1, remove: 2, setData: 5 } as const;
const NO_NODE = -101;
const EXISTS = -110;
const ALL = 31;

/** Whom a node is for. */
export interface Owner {
  readonly scheme: string;
  readonly id: string;
  /** Bits: 1 to read, 2 to write, 4 to create below it, 8 to delete there, 16 to administer; default all of them. */
  readonly permissions?: number;
}

const ANYONE: Owner = { scheme: 'world', id: 'anyone' };

/** A connection for each change: whatever became of the one before, as a server may have been restarted. */
async function change<T>(url: string, act: (session: ZooSession) => Promise<T>): Promise<T> {
  const { hostname, port } = new URL(url);
  const nothing = (): void => undefined;
  const options = { host: hostname, port: Number(port), timeoutMs: 10_000, login: null, tls: null };
  const watching = { onEvent: nothing, onAlive: nothing, onOver: nothing };
  const session = await ZooSession.open({ ...options, ...watching }, new AbortController().signal);
  try {
    return await act(session);
  } finally {
    session.close();
  }
}

async function create(session: ZooSession, path: string, value: string, owner: Owner = ANYONE): Promise<number> {
  const write = (writer: JuteWriter): unknown =>
    writer
      .text(path)
      .text(value)
      .int(1)
      .int(owner.permissions ?? ALL)
      .text(owner.scheme)
      .text(owner.id)
      .int(0);
  return (await session.ask(OPERATION.create, write)).fault;
}

/** Creates a node that only one may read, and those above it. */
export async function putFor(url: string, path: string, value: string, owner: Owner): Promise<void> {
  await change(url, async (session) => {
    await createAbove(session, path);
    assert.equal(await create(session, path, value, owner), 0);
  });
}

async function createAbove(session: ZooSession, path: string): Promise<void> {
  for (let at = path.indexOf('/', 1); at > 0; at = path.indexOf('/', at + 1)) {
    const fault = await create(session, path.slice(0, at), '');
    assert.ok(fault === 0 || fault === EXISTS, `${path}: ${fault}`);
  }
}

async function remove(session: ZooSession, path: string): Promise<void> {
  const { fault } = await session.ask(OPERATION.remove, (writer) => writer.text(path).int(-1));
  assert.ok(fault === 0 || fault === NO_NODE, `${path}: ${fault}`);
}

/** @param root the node that all are below, without a slash at its end */
export function zooKeys(url: string, root: string): Keys {
  return {
    put: (key, value) =>
      change(url, async (session) => {
        const path = `${root}/${key}`;
        const { fault } = await session.ask(OPERATION.setData, (writer) => writer.text(path).text(value).int(-1));
        if (fault === 0) return;
        assert.equal(fault, NO_NODE);
        await createAbove(session, path);
        assert.equal(await create(session, path, value), 0);
      }),
    remove: (key) => change(url, (session) => remove(session, `${root}/${key}`)),
    removeAll: () =>
      change(url, async (session) => {
        for (const section of ['routes', 'services']) {
          const children = (await session.children(`${root}/${section}`)) ?? [];
          for (const child of children) await remove(session, `${root}/${section}/${child}`);
        }
      }),
  };
}
