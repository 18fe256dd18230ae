/** RFC 9112 section 8, incomplete messages: half a request is no request, half a response never looks like a whole one. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { REASON } from '#src/model/reason.ts';
import { CELL } from '#src/model/tallies.ts';
import { asRelayed, describeResponses, type ResponseCase } from '../../support/http/conformance/cases.ts';
import { OK, startWire, type Wire } from '../../support/http/conformance/wire.ts';
import { readCell } from '../../support/plane.ts';
import { assertQuiet, eventually, FIRST_CELL, ROUTE_CELL } from '../../support/proxy/running.ts';
import { rawClient } from '../../support/raw.ts';

const MEASURED = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789';
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n4\r\nbyes\r\n0\r\nA: b\r\n\r\n';

/** One row for each place where the answer can end early: within the head a 502, within the body a cut. */
function endingEarly(answer: string, end: 'fin' | 'reset', name: string): ResponseCase[] {
  const bodyAt = answer.indexOf('\r\n\r\n') + 4;
  return Array.from({ length: answer.length }, (_, at): ResponseCase => {
    const gets = at < bodyAt ? 'refused' : 'cut';
    return { name: `${name} after ${at} bytes with ${end}`, answer: answer.slice(0, at), end, gets };
  });
}

// Cut at every boundary already: what is left is the end, which comes behind the writes.
describeResponses('8: a response that ends early, whatever its end, is a 502 or a cut', [
  ...endingEarly(MEASURED, 'fin', 'a measured one'),
  ...endingEarly(CHUNKED, 'fin', 'a chunked one'),
  ...endingEarly(CHUNKED, 'reset', 'a chunked one').filter((_, at) => at % 5 === 0),
  {
    name: 'one until close that is reset',
    answer: 'HTTP/1.1 200 OK\r\n\r\nabc',
    end: 'reset',
    gets: 'cut',
  },
]);

describe('8: a request that ends early', () => {
  const request = 'POST /early HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n';
  let wire: Wire;
  before(async () => {
    wire = await startWire();
  });
  after(() => wire.close());

  for (const how of ['fin', 'reset'] as const) {
    it(`with ${how} anywhere is never whole for the upstream, is nobody's failure and leaves nothing`, async () => {
      const { plane } = wire;
      const bodyAt = request.indexOf('\r\n\r\n') + 4;
      for (let at = 1; at < request.length; at++) {
        const before = readCell(plane, FIRST_CELL);
        const course = wire.run(request.slice(0, at), { responses: 1, ending: how });
        assert.deepEqual((await course).upstream, [], `ended after ${at} bytes`);
        await eventually(() => plane.plane.listener.connections === 0, 'the connection is gone');
        const { finished, bad, ignored } = readCell(plane, FIRST_CELL);
        assert.deepEqual([finished, bad], [before.finished, before.bad]);
        if (at >= bodyAt && how === 'fin') assert.equal(ignored, before.ignored + 1);
      }
      await assertQuiet(plane, [ROUTE_CELL, FIRST_CELL], []);
      assert.equal(plane.count(FIRST_CELL, CELL.reasons + REASON.upstreamReset), 0);
    });
  }

  it('leaves the pool usable', async () => {
    const { client } = await wire.run('GET / HTTP/1.1\r\nHost: a\r\n\r\n', { responses: 1 });
    assert.deepEqual(client.map(asRelayed), [OK]);
  });

  it('within its head gets no answer after FIN: nobody waits for one', async () => {
    const client = rawClient(wire.plane.port);
    client.socket.end('GET / HTTP/1.1\r\nHost: a\r\n');
    assert.equal(await client.closed(), '');
  });
});
