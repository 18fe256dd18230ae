import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { describe, type TestContext, test } from 'node:test';
import { Children, freePort } from '../../../../../bench/macro/children.ts';
import { type OpenLoopOrder, parseOpenLoopResult, runOpenLoop } from '../../../../../bench/macro/load/open-loop-run.ts';
import { HEAD_BYTES } from '../../../../../bench/macro/load/request.ts';

const DELAY_MS = 20;
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const RESULT = {
  requests: 10,
  unanswered: 0,
  waited: 0,
  p50Ms: 1,
  p99Ms: 2,
  p999Ms: 3,
  maxMs: 4,
  lateP99Ms: 0.1,
};

/** An upstream that answers every whole head after a fixed time. */
async function delayedUpstream(t: TestContext, answer: string): Promise<{ port: number; asked: () => number }> {
  const sockets = new Set<Socket>();
  let asked = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    let bytes = 0;
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      for (; bytes >= HEAD_BYTES; bytes -= HEAD_BYTES) {
        asked += 1;
        setTimeout(() => socket.write(answer), DELAY_MS);
      }
    });
  }).listen(0, '127.0.0.1');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, asked: () => asked };
}

function orderFor(port: number): OpenLoopOrder {
  const load = { connections: 50, rate: 200, spacing: 'poisson', seed: 1, warmUpMs: 100, measureMs: 400 } as const;
  return { port, ...load, isSmoke: false };
}

function childrenOf(t: TestContext): Children {
  const children = new Children();
  t.after(() => children.stopAll());
  return children;
}

describe('runOpenLoop', () => {
  test('measures an upstream of fixed latency directly, and says when it measured', async (t) => {
    const { port, asked } = await delayedUpstream(t, ANSWER);
    const marks: string[] = [];
    const result = await runOpenLoop(childrenOf(t), [], orderFor(port), {
      onBegin: (pid) => marks.push(`begin ${pid > 0}`),
      onEnd: () => marks.push('end'),
    });
    assert.deepEqual(marks, ['begin true', 'end']);
    assert.ok(result.requests > 50 && result.requests < 110, `${result.requests} of about 80`);
    assert.ok(asked() > result.requests, 'the warm-up was sent too');
    // Never less than the upstream takes (less 1 ms of its timer and 1.1 % of the bucket); more only on a busy machine.
    assert.ok(result.p50Ms >= (DELAY_MS - 1) * 0.98, `p50 ${result.p50Ms}`);
    assert.ok(result.p50Ms <= result.p99Ms && result.p99Ms <= result.maxMs * 1.02);
  });

  test('refuses bad answers and a port where nobody is', async (t) => {
    const { port } = await delayedUpstream(t, ANSWER.replace('200 OK', '502 Bad'));
    const around = { onBegin: () => undefined, onEnd: () => undefined };
    await assert.rejects(runOpenLoop(childrenOf(t), [], orderFor(port), around), /ended with 1: [^]*502 Bad/);
    await assert.rejects(runOpenLoop(childrenOf(t), [], orderFor(await freePort()), around), /ECONNREFUSED/);
  });

  test('says so when it was ended from outside', async (t) => {
    const { port } = await delayedUpstream(t, ANSWER);
    const children = childrenOf(t);
    const onBegin = (pid: number): void => void process.kill(pid);
    const long = { ...orderFor(port), measureMs: 600_000 };
    await assert.rejects(runOpenLoop(children, [], long, { onBegin, onEnd: () => undefined }), /a signal/);
  });
});

describe('parseOpenLoopResult', () => {
  test('takes a whole report without unanswered requests', () => {
    assert.deepEqual(parseOpenLoopResult(JSON.stringify(RESULT)), RESULT);
    assert.throws(() => parseOpenLoopResult(JSON.stringify({ ...RESULT, p99Ms: null })), /no p99Ms/);
    assert.throws(() => parseOpenLoopResult(JSON.stringify({ ...RESULT, unanswered: 3 })), /3 of 10 .* not answered/);
    assert.throws(() => parseOpenLoopResult(JSON.stringify({ ...RESULT, lateP99Ms: null })), /no lateP99Ms/);
  });

  test('takes a report of a loop in which every request waited, whose own lateness nobody knows', () => {
    const waited = { ...RESULT, waited: 10, lateP99Ms: null };
    assert.deepEqual(parseOpenLoopResult(JSON.stringify(waited)), waited);
  });
});
