/** A gateway that dies while its successor gets ready takes it along: whoever starts it anew finds its sockets free. */

import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import { it } from 'node:test';
import { until } from '../../support/gateway.ts';
import { listenLoopback } from '../../support/plane.ts';
import { isAlive, startRestarting } from '../../support/state/restarting.ts';

const LIMIT = { timeout: 540_000, skip: process.platform === 'win32' ? 'needs inherited sockets' : false };
const DOCUMENT =
  'services: {s: {versions: {v: {endpoints: ["127.0.0.1:1"]}}}}\nroutes: [{name: r, backendRefs: [{name: s}]}]\n';

it('a successor that waits for its sources ends with the process before it, and says why', LIMIT, async (t) => {
  const held: ServerResponse[] = [];
  let isSilent = false;
  const source = createServer((_, response) => {
    if (isSilent) held.push(response);
    else response.end(DOCUMENT);
  });
  const port = await listenLoopback(source);
  const gateway = await startRestarting(
    t,
    `
listen: 127.0.0.1:0
admin: 127.0.0.1:0
workers: 1
saturation: {response: observe}
follow: {startTimeout: 1h}
sources: [{http: {url: "http://127.0.0.1:${port}/", interval: 1h}}]
`,
    { args: ['--restart-timeout', '3600'] },
  );
  t.after(() => {
    source.closeAllConnections();
    source.close();
  });
  isSilent = true;
  gateway.signal('SIGUSR2');
  await until('it waits for its source', () => held.length > 0);
  const successor = Number(/"event":"restart_begun".*?"successor":(\d+)/.exec(gateway.output())?.[1]);
  assert.ok(isAlive(successor));
  gateway.first.kill('SIGKILL');
  await until('it ends', () => !isAlive(successor));
  await until('it says why', () => gateway.output().includes('ended, as the gateway that was to hand over has gone'));
});
