/**
 * A run of the macro bench for tests: unpinned, in front of a small upstream, with a load generator that only pretends.
 */

import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { Children } from '../../../../bench/macro/children.ts';
import { type Options, readOptions } from '../../../../bench/macro/options.ts';
import type { Session } from '../../../../bench/macro/session.ts';

/** What the pretended wrk reports: good answers only. */
const GOOD =
  '{"requests":1000,"durationUs":1000000,"badStatus":0,"socketErrors":0,"p50Us":900,"p99Us":4000,"maxUs":9000}';

export interface FakeRun {
  readonly session: Session;
  /** What the bench told, line by line. */
  readonly told: readonly string[];
  /** Arguments of every pretended load, in order. */
  readonly loads: () => string[];
}

/** Says how the pretended wrk reports its n-th load, counting from 0; null = good answers only. */
export type Reports = (turn: number) => string | null;

function writeWrk(folder: string, reports: Reports, turns: number): string {
  const wrk = join(folder, 'wrk');
  for (let turn = 0; turn < turns; turn++) writeFileSync(join(folder, `report-${turn}`), reports(turn) ?? GOOD);
  writeFileSync(
    wrk,
    `#!/bin/sh
turn=$(wc -l < ${folder}/loads)
echo "$@" >> ${folder}/loads
cat ${folder}/report-$turn >&2
`,
  );
  writeFileSync(join(folder, 'loads'), '');
  chmodSync(wrk, 0o755);
  return wrk;
}

/** Sets a run up; everything ends with the test. */
export async function fakeRun(
  t: TestContext,
  options: Partial<Options>,
  reports: Reports = () => null,
): Promise<FakeRun> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-fake-run-'));
  const children = new Children();
  const abort = new AbortController();
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { 'Content-Length': 2 }).end('ok');
  }).listen(0, '127.0.0.1');
  t.after(async () => {
    abort.abort();
    await children.stopAll();
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  await once(server, 'listening');
  const wrk = writeWrk(folder, reports, 32);
  const told: string[] = [];
  const session: Session = {
    options: { ...readOptions(['--smoke']), ...options },
    folder,
    children,
    binary: (name) => (name === 'wrk' ? wrk : name),
    cores: { gateway: [], load: [] },
    signal: abort.signal,
    upstreamPort: (server.address() as AddressInfo).port,
    upstream: children.start('idle', [], [process.execPath, '-e', 'setInterval(() => {}, 1000)']),
    ticksPerSecond: 100,
    say: (text) => told.push(text),
  };
  const loads = (): string[] => readFileSync(join(folder, 'loads'), 'utf8').trimEnd().split('\n');
  return { session, told, loads };
}
