/** What the Dockerfile copies, laid out by hand as there is no engine here: it starts, answers its health check, and drains. */

import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { runtimePackages } from '../../support/clients/registry.ts';
import { until } from '../../support/gateway.ts';
import { refusedPortOf } from '../../support/proxy/running.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** The last stage, continuation lines joined. */
const STAGE = (
  readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
    .split(/^FROM /m)
    .at(-1) ?? ''
).replaceAll(/\\\n\s*/g, '');

/** The words of an instruction in exec form. */
function wordsOf(instruction: RegExp): string[] {
  const [, list] = instruction.exec(STAGE) ?? [];
  assert.ok(list !== undefined, String(instruction));
  return JSON.parse(list) as string[];
}

test('an image of the Dockerfile starts, answers its health check and drains', { timeout: 400_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-image-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const app = join(folder, 'app');
  for (const [, from = '', to = ''] of STAGE.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)) {
    for (const source of from.split(' ')) {
      const target = to.startsWith('/') ? join(folder, to) : join(app, to === './' ? source : to);
      cpSync(join(ROOT, source), target, { recursive: true });
    }
  }
  // What `npm ci --omit=dev --omit=optional` leaves of the lockfile.
  for (const [name, place] of runtimePackages(ROOT)) {
    mkdirSync(dirname(join(app, 'node_modules', name)), { recursive: true });
    symlinkSync(join(ROOT, place), join(app, 'node_modules', name));
  }
  const document = join(folder, '/etc/sluice/gateway.yaml');
  const own = 'listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 1\ndrain: {delay: 0s, timeout: 1s}\n';
  writeFileSync(document, own + readFileSync(document, 'utf8'));

  const [, ...argv] = wordsOf(/^CMD (\[.*\])$/m).map((word) => (word.startsWith('/etc/') ? join(folder, word) : word));
  const child = spawn(process.execPath, argv, { cwd: app, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const closed = once(child, 'close');
  t.after(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await closed;
  });
  await until('it serves', () => /^config /m.test(output) || child.exitCode !== null);
  const [, admin = ''] = /^admin +(\S+)/m.exec(output) ?? [];
  assert.notEqual(admin, '', output);

  const [, ...check] = wordsOf(/^HEALTHCHECK .*CMD (\[.*\])$/m);
  const health = (url: string) => spawnSync(process.execPath, check, { env: { SLUICE_ADMIN: url } }).status;
  assert.equal(health(admin), 0);
  assert.match(STAGE, /^STOPSIGNAL SIGTERM$/m);
  child.kill('SIGTERM');
  assert.deepEqual((await closed)[0], 0, output);
  // Its own port may be somebody else's by now.
  assert.equal(health(`http://127.0.0.1:${await refusedPortOf(t)}`), 1);
});
