/** gRPC towards endpoints: what its statuses count as, deadlines that shrink, and the gateway's own answers. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import {
  END_STREAM,
  fieldIn,
  frame,
  headers,
  http2EndpointOf,
  oneHttp2,
  perRequest,
  rawHttp2Of,
  type Script,
  TYPE,
} from '../../../support/http/h2-endpoint.ts';
import { readCell, type TestPlane } from '../../../support/plane.ts';
import {
  assertQuiet,
  endpointWord,
  FIRST_CELL,
  planeOf,
  ROUTE_CELL,
  reasonCount,
  refusedPortOf,
  type TurningClock,
  turningClock,
} from '../../../support/proxy/running.ts';
import { sendAndClose } from '../../../support/raw.ts';

const HEAD = { ':status': '200', 'content-type': 'application/grpc+proto' };

function call(lines = ''): string {
  const fields = `Content-Type: application/grpc\r\nTE: trailers\r\nConnection: TE, close\r\n${lines}`;
  return `POST /shop.Orders/Get HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: 5\r\n\r\n\0\0\0\0\0`;
}

interface Called {
  readonly text: string;
  readonly plane: TestPlane;
  readonly port: number;
}

/** The answer to a call, with these trailers behind a message, or alone. */
async function answered(t: TestContext, trailers: Record<string, string>, isAlone = false): Promise<Called> {
  const { port } = await rawHttp2Of(
    t,
    perRequest((id) =>
      isAlone
        ? headers(id, { ...HEAD, ...trailers }, END_STREAM)
        : Buffer.concat([headers(id, HEAD), frame(TYPE.data, 0, id, '\0\0\0\0\0'), headers(id, trailers, END_STREAM)]),
    ),
  );
  const plane = await planeOf(t, oneHttp2([port]));
  const text = await sendAndClose(plane.port, call());
  await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
  return { text, plane, port };
}

describe('an answer', () => {
  it('goes to the client with its status, and counts by it', async (t) => {
    const cases: [string, number, number][] = [
      ['0', REASON.none, 0],
      ['5', REASON.none, 0],
      ['14', REASON.grpcTransient, 1],
      ['13', REASON.grpcFailed, 1],
    ];
    for (const isAlone of [false, true]) {
      for (const [status, reason, bad] of cases) {
        const { text, plane, port } = await answered(t, { 'grpc-status': status }, isAlone);
        assert.match(text, /^HTTP\/1\.1 200 OK\r\n/);
        assert.match(text, new RegExp(`\r\ngrpc-status: ${status}\r\n`));
        assert.equal(reasonCount(plane, FIRST_CELL, reason), 1, `${status} ${isAlone}`);
        assert.deepEqual([readCell(plane, FIRST_CELL).bad, readCell(plane, ROUTE_CELL).bad], [bad, bad]);
        assert.equal(endpointWord(plane, port, 'bad'), bad);
      }
    }
  });

  it('without a status is one of UNKNOWN', async (t) => {
    const { plane } = await answered(t, { 'x-other': '0' });
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.grpcFailed), 1);
  });

  it('that is not of gRPC has no such status', async (t) => {
    const endpoint = await rawHttp2Of(
      t,
      perRequest((id) =>
        headers(id, { ':status': '200', 'content-type': 'text/html', 'grpc-status': '13' }, END_STREAM),
      ),
    );
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    await sendAndClose(plane.port, call());
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
    assert.equal(readCell(plane, FIRST_CELL).bad, 0);
  });
});

/** Answers each call when a millisecond is over, whatever the machine is. */
function lateFor(clock: TurningClock, answer: (id: number) => Buffer): Script {
  return {
    on: (socket, { type, id }) => {
      if (type === TYPE.headers) void clock.passed(2).then(() => socket.write(answer(id)));
    },
  };
}

describe('a deadline', () => {
  it('reaches the endpoint shortened by what has passed', async (t) => {
    let told = '';
    const endpoint = await http2EndpointOf(t, (stream, raw) => {
      told = fieldIn(raw, 'grpc-timeout');
      stream.respond({ ...HEAD, 'grpc-status': '0' }, { endStream: true });
    });
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    await sendAndClose(plane.port, call('grpc-timeout: 20S\r\n'));
    assert.match(told, /^\d+m$/);
    assert.ok(Number.parseInt(told, 10) <= 20_000 && Number.parseInt(told, 10) > 0, told);
  });

  it('ends the call: DEADLINE_EXCEEDED', async (t) => {
    turningClock(t);
    const endpoint = await rawHttp2Of(t, {});
    const plane = await planeOf(t, oneHttp2([endpoint.port]));
    const text = await sendAndClose(plane.port, call('grpc-timeout: 100m\r\n'));
    assert.match(text, /^HTTP\/1\.1 200 OK\r\nContent-Type: application\/grpc\r\n[^]*\r\ngrpc-status: 4\r\n/);
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [endpoint.port]);
    assert.equal(reasonCount(plane, FIRST_CELL, REASON.clientDeadline), 1);
  });

  it('at which an endpoint breaks off an answer that goes on is the client’s', async (t) => {
    const { port } = await rawHttp2Of(
      t,
      lateFor(turningClock(t), (id) =>
        Buffer.concat([
          headers(id, HEAD),
          frame(TYPE.data, 0, id, '\0\0\0\0\0'),
          frame(TYPE.reset, 0, id, '\0\0\0\x08'),
        ]),
      ),
    );
    const plane = await planeOf(t, oneHttp2([port]));
    await sendAndClose(plane.port, call('grpc-timeout: 1m\r\n'));
    await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
    assert.deepEqual([readCell(plane, FIRST_CELL).bad, endpointWord(plane, port, 'bad')], [0, 0]);
  });

  it('that is over when the endpoint says so is the client’s; one that is not has the endpoint say it of itself', async (t) => {
    const clock = turningClock(t);
    const alone = { ...HEAD, 'grpc-status': '4' };
    const cases = [
      ['1m', REASON.clientDeadline, 0],
      ['20S', REASON.grpcTransient, 1],
    ] as const;
    for (const [timeout, reason, bad] of cases) {
      const { port } = await rawHttp2Of(
        t,
        lateFor(clock, (id) => headers(id, alone, END_STREAM)),
      );
      const plane = await planeOf(t, oneHttp2([port]));
      await sendAndClose(plane.port, call(`grpc-timeout: ${timeout}\r\n`));
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], [port]);
      assert.equal(reasonCount(plane, FIRST_CELL, reason), 1, timeout);
      assert.deepEqual([readCell(plane, FIRST_CELL).bad, endpointWord(plane, port, 'bad')], [bad, bad], timeout);
    }
  });
});

describe('an answer of the gateway’s own', () => {
  it('is a status of gRPC, without a message', async (t) => {
    const plane = await planeOf(t, oneHttp2([await refusedPortOf(t)]));
    const text = await sendAndClose(plane.port, call());
    assert.match(
      text,
      /\r\nContent-Length: 0\r\ngrpc-status: 14\r\ngrpc-message: The upstream refused the connection: ECONN/,
    );
    assert.match(text, /\r\nProxy-Status: sluice; error=connection_refused\r\n/);
    assert.equal(text.endsWith('\r\n\r\n'), true);
    assert.equal(plane.count(ROUTE_CELL, CELL.bad), 1);
  });

  it('says of a service that no route leads to that it is not there', async (t) => {
    const matches = [{ path: { type: 'Exact' as const, value: '/other' }, method: null, headers: [], query: [] }];
    const plane = await planeOf(t, oneHttp2([await refusedPortOf(t)], { matches }));
    assert.match(await sendAndClose(plane.port, call()), /\r\ngrpc-status: 12\r\n/);
  });
});
