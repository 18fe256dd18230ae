import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { listenLoopback } from '../plane.ts';

const ENDING = join(import.meta.dirname, 'ending.ts');
/** As `test/run.ts` does. Prints what failed, and what was said, as lines of JSON. */
const RUN = `
  import { run } from 'node:test';
  const events = run({ files: process.argv.slice(2), execArgv: ['--import', ${JSON.stringify(ENDING)}] });
  for await (const { type, data } of events) {
    if (type === 'test:fail') console.log(JSON.stringify(data.name));
    if (type === 'test:stderr') console.log(JSON.stringify(data.message));
  }
`;

/** Runs a file of tests. @param graceMs undefined: the time that there is @returns what it printed */
async function runFile(t: TestContext, text: string, graceMs?: number): Promise<{ file: string; said: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-ending-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [runs, file] = [join(folder, 'run.mjs'), join(folder, 'some.test.mjs')];
  writeFileSync(runs, RUN);
  writeFileSync(file, text);
  // It is no file of tests of this run.
  const { NODE_TEST_CONTEXT: _, SLUICE_TEST_GRACE_MS: __, ...env } = process.env;
  const grace = graceMs === undefined ? {} : { SLUICE_TEST_GRACE_MS: String(graceMs) };
  const runner = spawn(process.execPath, [runs, file], {
    env: { ...env, ...grace },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => runner.kill('SIGKILL'));
  const chunks: Buffer[] = [];
  runner.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = (await once(runner, 'close')) as [number | null];
  assert.equal(code, 0, 'the run itself ends');
  const lines = Buffer.concat(chunks).toString().split('\n');
  return { file, said: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as string) };
}

test('a run with a test that hangs ends, failed by its name, and the child that it had is gone', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket.on('error', () => undefined).resume()));
  const port = await listenLoopback(server);
  const connected = once(server, 'connection');
  t.after(() => {
    server.close();
    // All that the child lives for.
    for (const socket of sockets) socket.destroy();
  });
  // It keeps the pipe that the run reads of its file.
  const child = `require('node:net').connect(${port}, '127.0.0.1', () => console.log('connected'))`;
  const { said } = await runFile(
    t,
    `import { spawn } from 'node:child_process';
     import { once } from 'node:events';
     import { after, describe, test } from 'node:test';
     const child = spawn(process.execPath, ['--eval', ${JSON.stringify(child)}], { stdio: ['ignore', 'pipe', 'inherit'] });
     describe('some', () => {
       test('passes', () => undefined);
       test('hangs', { timeout: 1 }, () => new Promise(() => undefined));
       after(() => once(child.stdout, 'data'));
     });`,
    1,
  );
  const [socket] = (await connected) as [Socket];
  if (!socket.closed) await once(socket, 'close');
  assert.deepEqual([said.includes('hangs'), said.includes('passes')], [true, false], said.join('\n'));
  assert.match(said.join(''), /some\.test\.mjs does not end 1 ms after its tests: .*ProcessWrap.*--eval require/);
});

test('a file that leaves something open fails by its own name, though all of its tests pass', async (t) => {
  const leaving = `import { test } from 'node:test'; test('passes', () => void setInterval(() => undefined, 1000));`;
  const { file, said } = await runFile(t, leaving, 1);
  assert.equal(said.at(-1), file);
  assert.match(said[0] ?? '', /does not end 1 ms after its tests: .*Timeout/);
});

test('a file whose process ends by itself has the time that it takes', async (t) => {
  const { said } = await runFile(
    t,
    `import { test } from 'node:test'; test('passes', () => setTimeout(() => 0, 100));`,
  );
  assert.deepEqual(said, []);
});
