/** Answers that are taken to be compared: whole, bounded, counted, and without any effect on whoever asked. */

import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { CELL } from '#src/model/tallies.ts';
import {
  type ComparedBatch,
  noneUncompared,
  type TakenAnswer,
  type TakenAnswers,
} from '#src/model/threads/requests/compared.ts';
import { COMPARISONS_MAX, WAIT_MS } from '#src/proxy/forward/mirror/comparison.ts';
import { setCapacity } from '#src/snapshot/endpoint-dials.ts';
import { DEFAULT_BREAKER } from '#src/sources/defaults.ts';
import { END_STREAM, headers, perRequest, rawHttp2Of } from '../../../../support/http/h2-endpoint.ts';
import { endpointIdOf, readCell } from '../../../../support/plane.ts';
import {
  answeringOf,
  askedOn,
  assertQuiet,
  clientOf,
  eventually,
  FIRST_CELL,
  GET,
  getOf,
  OK,
  perHead,
  ROUTE_CELL,
  refusedPortOf,
  stoppedClock,
  upstreamOf,
} from '../../../../support/proxy/running.ts';
import { PATIENT, comparingScene as scene } from '../../../../support/proxy/workers/compared.ts';
import type { RawUpstream } from '../../../../support/raw.ts';
import { WAITS } from '../../../../support/runner/depth.ts';

const CANDIDATE = 'HTTP/1.1 201 Made\r\nContent-Length: 4\r\nX-New: 1\r\n\r\nv2v2';
/** Opens a connection to the version that a request of the client's is sent on; not compared, as it is not safe. */
const WARM = 'POST /warm HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n';

function textOf({ body }: TakenAnswer): string {
  return Buffer.from(body).toString('latin1');
}

/** A version that answers on its first connection, and to further ones as it is told. */
function version(t: TestContext, further: (socket: { destroy(): void; write(text: string): void }) => void) {
  return upstreamOf(
    t,
    perHead((socket, _path, nth) => (nth === 0 ? void socket.write(OK) : further(socket))),
  );
}

describe('a request whose answers are compared', () => {
  it('has three: the client’s, a second one of its version, the mirror’s; only the first is an exchange', async (t) => {
    const [stable, mirror] = [await answeringOf(t), await answeringOf(t, CANDIDATE)];
    const { plane, answers, uncompared } = await scene(t, stable.port, mirror.port);
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, getOf('/a')), 200);
    await eventually(() => answers.length === 1, 'they are here');
    const [{ route, candidate, primary, second, mirrored }] = answers as [TakenAnswers];
    assert.deepEqual([route, candidate], ['shop', 'service/mirror']);
    assert.deepEqual([primary.status, second.status, mirrored.status], [200, 200, 201]);
    assert.deepEqual([primary, second, mirrored].map(textOf), ['ok', 'ok', 'v2v2']);
    assert.match(mirrored.head, /^HTTP\/1\.1 201 Made\r\nContent-Length: 4\r\nX-New: 1\r\n/);
    const paths = (upstream: RawUpstream): string[] => upstream.received.join('').match(/^GET \S+/gm) ?? [];
    assert.deepEqual([paths(stable), paths(mirror)], [['GET /a', 'GET /a'], ['GET /a']]);
    assert.deepEqual([readCell(plane, ROUTE_CELL).finished, readCell(plane, FIRST_CELL).finished], [1, 1]);
    assert.equal(plane.count(ROUTE_CELL, CELL.mirrorSent), 1, 'copies for the mirror alone are counted as its own');
    assert.deepEqual(uncompared(), [0, 0]);
    assert.doesNotMatch(client.received(), /v2v2/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [stable.port]);
  });

  it('is safe: no other is sent to its version twice, though its mirror gets it', async (t) => {
    const empty = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n';
    const [stable, mirror] = [await answeringOf(t, empty), await answeringOf(t, empty)];
    const { plane, answers } = await scene(t, stable.port, mirror.port);
    const client = clientOf(t, plane);
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS']) {
      assert.equal(await askedOn(client, `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`), 200);
    }
    await eventually(() => plane.count(ROUTE_CELL, CELL.mirrorSent) === 4, 'copies are answered');
    assert.equal(await askedOn(client, 'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n'), 200);
    await eventually(() => answers.length === 1, 'HEAD is compared');
    assert.equal(stable.received.join('').match(/^(?:POST|PUT|DELETE|OPTIONS) /gm)?.length, 4);
    assert.deepEqual(
      [answers[0]?.primary, answers[0]?.mirrored].map((one) => one?.body.length),
      [0, 0],
    );
  });

  it('is none that may be used once, or whose answer does not end', async (t) => {
    const [stable, mirror] = [await answeringOf(t), await answeringOf(t)];
    const { plane, answers } = await scene(t, stable.port, mirror.port);
    const client = clientOf(t, plane);
    const lines = ['Idempotency-Key: a', 'dpop: b', 'Accept: text/html, Text/Event-Stream;q=0.5'];
    for (const line of lines) assert.equal(await askedOn(client, getOf('/once', `${line}\r\n`)), 200);
    await eventually(() => plane.count(ROUTE_CELL, CELL.mirrorSent) === lines.length, 'copies are answered');
    assert.equal(await askedOn(client, getOf('/twice', 'Accept: */*\r\nX-DPoP: a\r\n')), 200);
    await eventually(() => answers.length === 1, 'another one is compared');
    const paths = stable.received.join('').match(/^GET \S+/gm) ?? [];
    assert.deepEqual(paths.toSorted(), [...lines.map(() => 'GET /once'), 'GET /twice', 'GET /twice']);
  });

  it('is not sent to the mirror again when that version answers it itself', async (t) => {
    const [itself, mirror] = [await answeringOf(t), await answeringOf(t)];
    const versions = [{ name: 'mirror', ports: [itself.port], weight: 1 }];
    const { plane, answers } = await scene(t, itself.port, mirror.port, { route: { versions } });
    const client = clientOf(t, plane);
    for (let n = 0; n < 3; n++) assert.equal(await askedOn(client, GET), 200);
    assert.deepEqual([answers.length, mirror.sockets.length, itself.sockets.length], [0, 0, 1]);
  });

  it('is compared in what endpoints speak, chunked bodies without their chunks', async (t) => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n';
    const stable = await answeringOf(t, chunked);
    const mirror = await rawHttp2Of(
      t,
      perRequest((id) => headers(id, { ':status': '204', 'x-new': '1' }, END_STREAM)),
    );
    const compare = { bodyBytesMax: 1000, ignoreHeaders: [] };
    const route = { mirror: { ports: [mirror.port], ratio: 1, protocol: 'h2c' as const, compare } };
    const { plane, answers } = await scene(t, stable.port, mirror.port, { route });
    const client = clientOf(t, plane);
    client.send(GET);
    await client.until((received) => received.endsWith('0\r\n\r\n'));
    await eventually(() => answers.length === 1, 'they are here');
    const [{ primary, second, mirrored }] = answers as [TakenAnswers];
    assert.deepEqual([primary, second, mirrored].map(textOf), ['abcde', 'abcde', '']);
    assert.match(mirrored.head, /^HTTP\/1\.1 204 .*\r\nx-new: 1\r\n/);
  });

  it('may have its answer kept for a fallback as well', async (t) => {
    const [stable, mirror] = [await answeringOf(t), await answeringOf(t)];
    const on = ['connect_refused'];
    const fallback = [{ kind: 'stale' as const, on, maxAgeMs: 60_000, entryBytesMax: 1000, isGood: true }];
    const { plane, answers } = await scene(t, stable.port, mirror.port, { route: { fallback } });
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
    await eventually(() => answers.length === 1, 'they are here');
    assert.ok(plane.plane.staleBytes > 0);
  });
});

describe('a comparison', () => {
  for (const [what, further] of [
    ['hangs', () => undefined],
    ['dies', (socket) => socket.destroy()],
    ['ends early', (socket) => (socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'), socket.destroy())],
    ['breaks the protocol', (socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n')],
    ['ends with its connection', (socket) => (socket.write('HTTP/1.1 200 OK\r\n\r\nok'), socket.destroy())],
  ] as readonly (readonly [string, Parameters<typeof version>[1]])[]) {
    it(`whose second call ${what} fails, and the client does not notice`, async (t) => {
      const pass = stoppedClock(t);
      const stable = await version(t, further);
      const mirror = await answeringOf(t);
      const { plane, answers, uncompared } = await scene(t, stable.port, mirror.port, { timeouts: PATIENT });
      const client = clientOf(t, plane);
      assert.equal(await askedOn(client, WARM), 200);
      assert.equal(await askedOn(client, GET), 200);
      if (what === 'hangs') pass(PATIENT.firstByteMs);
      await eventually(() => uncompared()[1] === 1, 'it is counted');
      assert.deepEqual([answers.length, readCell(plane, FIRST_CELL).bad], [0, 0]);
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [stable.port]);
    });
  }

  it('whose mirror is down fails', async (t) => {
    const stable = await answeringOf(t);
    const { plane, uncompared } = await scene(t, stable.port, await refusedPortOf(t));
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
    await eventually(() => uncompared()[1] === 1, 'it is counted');
    assert.equal(plane.count(ROUTE_CELL, CELL.mirrorFailed), 1);
  });

  it('is counted by what is wrong with an answer, and apart if it is the mirror’s', async (t) => {
    const long = `HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n${'x'.repeat(5000)}`;
    const untold = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1388\r\n${'x'.repeat(5000)}\r\n0\r\n\r\n`;
    const cut = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok';
    const closing = 'HTTP/1.1 200 OK\r\n\r\nok';
    const none = '';
    for (const [answer, reason] of [
      [long, 'too_long'],
      [untold, 'too_long'],
      [cut, 'truncated'],
      [closing, 'truncated'],
      [none, 'no_answer'],
    ] as const) {
      const odd = (): Promise<RawUpstream> =>
        upstreamOf(
          t,
          perHead((socket) => void socket.end(answer)),
        );
      const byMirror = await scene(t, (await answeringOf(t)).port, (await odd()).port);
      assert.equal(await askedOn(clientOf(t, byMirror.plane), GET), 200);
      await eventually(() => Object.keys(byMirror.reasons()).length > 0, 'it is counted');
      assert.deepEqual(byMirror.reasons(), { [`mirror_${reason}`]: 1 });
      const byVersion = await scene(t, (await odd()).port, (await answeringOf(t)).port);
      clientOf(t, byVersion.plane).send(GET);
      await eventually(() => Object.keys(byVersion.reasons()).length > 0, 'it is counted');
      assert.deepEqual([byVersion.reasons(), byVersion.answers], [{ [reason]: 1 }, []]);
    }
  });

  it('fails with a client that leaves before its answer', async (t) => {
    const stable = await upstreamOf(t, () => undefined);
    const mirror = await answeringOf(t);
    const { plane, uncompared } = await scene(t, stable.port, mirror.port, { timeouts: PATIENT });
    const client = clientOf(t, plane);
    client.send(GET);
    await eventually(() => mirror.received.length === 1, 'the copy');
    client.socket.destroy();
    await eventually(() => uncompared()[1] === 1, 'it is counted');
  });

  it('of an answer that is too long is skipped, and the client gets all of it', async (t) => {
    const body = 'x'.repeat(5000);
    const chunk = `${body.length.toString(16)}\r\n${body}\r\n`;
    for (const answer of [
      `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`,
    ]) {
      const [stable, mirror] = [await answeringOf(t, answer), await answeringOf(t)];
      const { plane, answers, uncompared } = await scene(t, stable.port, mirror.port);
      const client = clientOf(t, plane);
      client.send(GET);
      await client.until((received) => received.includes(body));
      await eventually(() => uncompared()[0] === 1, 'it is counted');
      assert.equal(answers.length, 0);
    }
  });

  it('that is over ends its second call, and leaves the copy for the mirror alone', async (t) => {
    const body = 'x'.repeat(5000);
    const long = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const stable = await upstreamOf(
      t,
      perHead((socket, path, nth) => void (nth === 0 && socket.write(path === '/warm' ? OK : long))),
    );
    const held: Socket[] = [];
    const mirror = await upstreamOf(
      t,
      perHead((socket, path) => void (path === '/warm' ? socket.write(OK) : held.push(socket))),
    );
    const { plane, uncompared } = await scene(t, stable.port, mirror.port, { timeouts: PATIENT });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, WARM), 200);
    client.send(GET);
    await eventually(() => uncompared()[0] === 1, 'it is counted');
    await eventually(() => stable.sockets.slice(1).every(({ destroyed }) => destroyed), 'the second call is gone');
    await eventually(() => held.length === 1, 'the copy for the mirror');
    held[0]?.write(OK);
    await eventually(() => plane.count(ROUTE_CELL, CELL.mirrorSent) === 2, 'it is answered');
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [stable.port]);
  });

  it('does not begin while its version has no place to spare', async (t) => {
    const [stable, mirror] = [await answeringOf(t), await answeringOf(t)];
    for (const [limit, skipped] of [
      [1, 1],
      [2, 0],
    ] as const) {
      const versions = [{ name: 'v1', ports: [stable.port], weight: 1, limit }];
      const { plane, answers, uncompared } = await scene(t, stable.port, mirror.port, { route: { versions } });
      assert.equal(await askedOn(clientOf(t, plane), GET), 200);
      await eventually(() => answers.length + uncompared()[0] === 1, 'it is compared or counted');
      assert.deepEqual(uncompared(), [skipped, 0]);
      await eventually(() => plane.count(ROUTE_CELL, CELL.mirrorSent) === 1, 'the copy is answered');
    }
  });

  it('does not begin while its version is tried out', async (t) => {
    const pass = stoppedClock(t);
    const stable = await upstreamOf(
      t,
      perHead((socket, path) => socket.write(path === '/warm' ? OK.replace('200 OK', '500 Broken') : OK)),
    );
    const mirror = await answeringOf(t);
    const breaker = { ...DEFAULT_BREAKER, consecutiveErrors: 1, probes: 2 };
    const versions = [{ name: 'v1', ports: [stable.port], weight: 1, breaker }];
    const { plane, answers, uncompared } = await scene(t, stable.port, mirror.port, { route: { versions } });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, WARM), 500);
    pass(breaker.openMs);
    for (let n = 0; n < 2; n++) assert.equal(await askedOn(client, GET), 200);
    await eventually(() => uncompared()[0] === 2, 'they are counted');
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => answers.length === 1, 'the next one is compared');
    assert.equal(uncompared()[0], 2);
  });

  it('asks no endpoint that its version leaves out', WAITS, async (t) => {
    const [first, second, mirror] = [await answeringOf(t), await answeringOf(t), await answeringOf(t)];
    const versions = [{ name: 'v1', ports: [first.port, second.port], weight: 1 }];
    const { plane, answers } = await scene(t, first.port, mirror.port, { route: { versions } });
    setCapacity(plane.endpointDials, endpointIdOf(second.port), 0);
    const client = clientOf(t, plane);
    for (let n = 1; n <= 20; n++) {
      assert.equal(await askedOn(client, GET), 200);
      await eventually(() => answers.length === n, 'it is compared');
    }
    assert.equal(second.sockets.length, 0);
  });

  it('that there is no memory for is skipped, and its mirror gets its copy all the same', async (t) => {
    const [stable, mirror] = [await answeringOf(t), await answeringOf(t)];
    const { plane, answers, uncompared } = await scene(t, stable.port, mirror.port, {
      limits: { compareBytesMax: 1000 },
    });
    assert.equal(await askedOn(clientOf(t, plane), GET), 200);
    await eventually(() => uncompared()[0] === 1, 'it is counted');
    await eventually(() => plane.count(ROUTE_CELL, CELL.mirrorSent) === 1, 'the copy is answered');
    assert.equal(answers.length, 0);
    assert.equal(stable.received.join('').match(/^GET /gm)?.length, 1, 'no second call');
  });

  it('frees its memory when it was compared, and not before', async (t) => {
    const [stable, mirror] = [await answeringOf(t), await answeringOf(t)];
    const batches: ComparedBatch[] = [];
    const { plane } = await scene(t, stable.port, mirror.port, {
      // Of one comparison: 1024 and three answers of about 45 bytes.
      limits: { compareBytesMax: 1500 },
      writeCompared: (batch) => void batches.push(batch),
    });
    const client = clientOf(t, plane);
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => batches.length === 1, 'the first batch');
    assert.equal(batches[0]?.answers.length, 1);
    assert.equal(await askedOn(client, GET), 200);
    plane.plane.compared();
    await eventually(() => batches.length === 2, 'what was skipped meanwhile is told');
    assert.deepEqual([...(batches[1]?.uncompared ?? [])], [['shop', { ...noneUncompared(), memory: 1 }]]);
    plane.plane.compared();
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => batches.length === 3, 'there is room again');
    assert.equal(batches[2]?.answers.length, 1);
  });

  it('gives back what chunked answers did not need once they are whole', async (t) => {
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
    const [stable, mirror] = [await answeringOf(t, chunked), await answeringOf(t, chunked)];
    const batches: ComparedBatch[] = [];
    const { plane } = await scene(t, stable.port, mirror.port, {
      // 1024 and three answers of at most 1000 and some 50: room for one that is under way, and for another that waits, not for two.
      limits: { compareBytesMax: 5600 },
      writeCompared: (batch) => void batches.push(batch),
    });
    const client = clientOf(t, plane);
    for (let n = 1; n <= 2; n++) {
      client.send(GET);
      await client.until((received) => received.split('0\r\n\r\n').length > n);
      if (n === 1) await eventually(() => batches.length === 1, 'the first batch');
    }
    await eventually(() => plane.count(ROUTE_CELL, CELL.mirrorSent) === 2, 'both copies are answered');
    plane.plane.compared();
    await eventually(() => batches.length === 2, 'the second batch');
    assert.deepEqual([batches[1]?.answers.length, batches[1]?.uncompared.size], [1, 0]);
  });

  it('waits among a bounded number, of which the oldest gives way once it has waited for long', async (t) => {
    const pass = stoppedClock(t);
    const [stable, mute] = [await answeringOf(t), await upstreamOf(t, () => undefined)];
    const { plane, uncompared } = await scene(t, stable.port, mute.port, {
      timeouts: PATIENT,
      limits: { endpointConnectionsMax: 100 },
    });
    const client = clientOf(t, plane);
    for (let n = 0; n < COMPARISONS_MAX + 3; n++) assert.equal(await askedOn(client, GET), 200);
    await eventually(() => uncompared()[0] === 3, 'further ones are skipped');
    assert.equal(uncompared()[1], 0);
    pass(WAIT_MS);
    assert.equal(await askedOn(client, GET), 200);
    await eventually(() => uncompared()[1] === 1, 'the oldest has given way');
    assert.equal(uncompared()[0], 3);
  });
});
