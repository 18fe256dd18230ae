/**
 * Runs tables of conformance cases: bytes of one side in, bytes of the other side out, cut at every boundary.
 *
 * What is compared are the lines that the gateway passed on, byte for byte and in order, and the body without its chunk
 * framing, its trailers behind it; the gateway's own lines (`Via`, `X-Forwarded-*` …) are left out, tests of forwarding look at them.
 */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { CELL, GATEWAY_CELL } from '#src/model/tallies.ts';
import { type PlaneSketch, readCell } from '../../plane.ts';
import { eventually, FIRST_CELL } from '../../proxy/running.ts';
import { assertRequestCutsAlike, assertResponseCutsAlike, sampleCuts } from './cuts.ts';
import type { Message } from './reader.ts';
import { type Course, startWire, type Wire } from './wire.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const OWN_UPSTREAM =
  /^(?:(?:via|forwarded|x-forwarded-(?:for|proto|host|port)|x-request-id|traceparent):|te: trailers$|connection: te$)/i;
/** A `Date` of this century is the gateway's: upstreams here send none, or one of 1994. */
const OWN_CLIENT = /^(?:via|x-request-id|server-timing):|^date: \w{3}, \d\d \w{3} 20/i;

/** A message without the gateway's own lines. */
function passedOn({ head, body, trailers }: Message, own: RegExp): string {
  const lines = head.split('\r\n').filter((line, i) => i === 0 || !own.test(line));
  return `${lines.join('\r\n')}\r\n${body}${trailers === '' ? '' : `\r\n${trailers}`}`;
}

/** The request as the upstream got it: line, fields and body, without the gateway's own lines. */
export function asForwarded(message: Message): string {
  return passedOn(message, OWN_UPSTREAM);
}

/** The response as the client got it. */
export function asRelayed(message: Message): string {
  return passedOn(message, OWN_CLIENT);
}

/** One row: exactly one of `sees`, `refused` and `answered`. */
export interface RequestCase {
  readonly name: string;
  readonly bytes: string;
  /** Requests as the upstream sees them. */
  readonly sees?: string | readonly string[];
  /** The gateway's own last answer; the connection closes and nothing behind it is read. */
  readonly refused?: number;
  /** The gateway's own answer; the connection goes on. */
  readonly answered?: number;
  /** The refusal comes within the body: the upstream may have seen the beginning of the request, never its end. */
  readonly isLate?: boolean;
}

function assertRefused(course: Course, { refused, isLate }: RequestCase): void {
  assert.deepEqual(
    course.client.map(({ status }) => status),
    [refused],
    course.clientRaw,
  );
  assert.match(course.clientRaw, /\r\nConnection: close\r\n/);
  assert.match(course.clientRaw, /\r\nProxy-Status: [^\r]*error=http_request_(?:error|denied)/);
  assert.deepEqual(course.upstream, [], 'the upstream must see no whole request');
  if (isLate !== true) assert.equal(course.upstreamRaw, '', 'the upstream must see nothing');
}

async function runRequest(wire: Wire, one: RequestCase): Promise<void> {
  const { bytes, sees, refused, answered } = one;
  assertRequestCutsAlike(bytes);
  const expected = typeof sees === 'string' ? [sees] : (sees ?? []);
  const isRefused = refused !== undefined;
  const responses = isRefused ? Number.POSITIVE_INFINITY : Math.max(1, expected.length);
  const isHead = bytes.startsWith('HEAD ');
  for (const cuts of sampleCuts(bytes.length)) {
    const refusedBefore = wire.plane.count(GATEWAY_CELL, CELL.ignored);
    const course = await wire.run(bytes, { cuts, responses, isHead });
    if (isRefused) {
      assertRefused(course, one);
      if (one.isLate !== true) assert.equal(wire.plane.count(GATEWAY_CELL, CELL.ignored), refusedBefore + 1, 'counted');
      continue;
    }
    assert.deepEqual(course.upstream.map(asForwarded), expected, `cut at ${cuts.join(' ')}`);
    const statuses = course.client.map(({ status }) => status);
    assert.deepEqual(statuses, answered === undefined ? expected.map(() => 200) : [answered], course.clientRaw);
  }
  if (isRefused) assertRefused(await wire.run(bytes + SMUGGLED, { responses }), one);
}

/** Runs request cases against one plane. */
export function describeRequests(
  title: string,
  cases: readonly RequestCase[],
  sketch: Partial<PlaneSketch> = {},
): void {
  describe(title, () => {
    let wire: Wire;
    before(async () => {
      wire = await startWire(sketch);
    });
    after(() => wire.close());
    for (const one of cases) {
      const outcome = one.refused ?? one.answered;
      it(outcome === undefined ? one.name : `${one.name}: ${outcome}`, () => runRequest(wire, one));
    }
  });
}

/** One row: what the upstream answers and what the client then gets. */
export interface ResponseCase {
  readonly name: string;
  /** Bytes of the upstream. */
  readonly answer: string;
  /** The upstream closes or resets behind them. */
  readonly end?: 'fin' | 'reset';
  /** `GET` of HTTP/1.1 if not given. */
  readonly method?: string;
  /** Further lines of the request, each with its CRLF. */
  readonly lines?: string;
  readonly minor?: 0 | 1;
  /**
   * Responses, interim ones included; `refused`: 502 and the upstream connection ends; `cut`: the response begins and the
   * connection ends so that the client can tell.
   */
  readonly gets: string | readonly string[];
  /** Another right outcome where the answer's parts come one by one: bytes behind a whole response end its connection only. */
  readonly orGets?: string;
  /** The upstream connection is not used again, though the response was whole. */
  readonly isLast?: boolean;
}

function assertOutcome(course: Course, gets: ResponseCase['gets']): void {
  if (gets === 'refused') {
    assert.deepEqual(
      course.client.filter(({ status }) => status >= 200).map(({ status }) => status),
      [502],
      course.clientRaw,
    );
    assert.match(course.clientRaw, /\r\nProxy-Status: [^\r]*error=(?:http_protocol_error|connection_terminated)/);
  } else if (gets === 'cut') {
    assert.deepEqual(course.client, [], 'the response must not look whole');
    assert.match(course.clientPending, /^HTTP\/1\.1 200 /);
  } else {
    assert.deepEqual(course.client.map(asRelayed), typeof gets === 'string' ? [gets] : gets);
  }
}

async function runResponse(wire: Wire, one: ResponseCase): Promise<void> {
  const { answer, end, method = 'GET', lines = '', minor = 1, gets, orGets } = one;
  const isHead = method === 'HEAD';
  assertResponseCutsAlike(answer, isHead);
  const { plane } = wire;
  for (const cuts of sampleCuts(answer.length)) {
    const before = readCell(plane, FIRST_CELL);
    const course = await wire.run(`${method} / HTTP/1.${minor}\r\nHost: a\r\n${lines}\r\n`, {
      answer: { bytes: answer, cuts, ...(end === undefined ? {} : { end }) },
      responses: gets === 'cut' || minor === 0 ? Number.POSITIVE_INFINITY : 1,
      isHead,
    });
    const isOther = orGets !== undefined && course.client[0]?.status === Number(orGets.slice(9, 12)) && cuts.length > 0;
    assertOutcome(course, isOther ? orGets : gets);
    const cell = readCell(plane, FIRST_CELL);
    const isBad = !isOther && (gets === 'refused' || gets === 'cut' || gets.includes('HTTP/1.1 5'));
    assert.deepEqual([cell.finished - before.finished, cell.bad - before.bad], [1, isBad ? 1 : 0]);
    if (gets === 'refused' || gets === 'cut' || one.isLast === true) {
      await eventually(() => wire.upstreamOpen() === 0, 'the upstream connection ends');
    }
  }
}

/** Runs response cases against one plane. */
export function describeResponses(
  title: string,
  cases: readonly ResponseCase[],
  sketch: Partial<PlaneSketch> = {},
): void {
  describe(title, () => {
    let wire: Wire;
    before(async () => {
      wire = await startWire(sketch);
    });
    after(() => wire.close());
    for (const one of cases) it(one.name, () => runResponse(wire, one));
  });
}
