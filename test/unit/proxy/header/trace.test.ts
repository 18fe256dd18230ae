/** Trace context: what is valid passes, what is not is replaced, and B3 is understood where there is nothing else. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { freshLines } from '#src/proxy/header/fresh.ts';
import { traceLines } from '#src/proxy/header/trace.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';
import { bench, get, readHead } from '../../../support/proxy/parts.ts';

const DIGITS = '0123456789abcdef0123456789abcdef0123456789abcdef';
const FRESH = freshLines(DIGITS);
const ANEW = `traceparent: 00-${DIGITS.slice(0, 32)}-${DIGITS.slice(32)}-00`;
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SPAN = 'b7ad6b7169203331';
const VALID = `traceparent: 00-${TRACE}-${SPAN}-01`;

/** The trace fields that go upstream. */
function sent(...lines: string[]): string[] {
  const { fields } = readHead(bench().table, get('/', lines.map((line) => `${line}\r\n`).join('')));
  const added = traceLines(fields, FRESH);
  return (fields.kept() + added).trimEnd().split('\r\n').slice(1);
}

describe('traceparent', () => {
  it('that is valid passes with its tracestate', () => {
    const lines = [VALID, 'tracestate: a=1', 'tracestate: b=2'];
    assert.deepEqual(sent(...lines), lines);
    assert.deepEqual(sent(`traceparent: 00-${TRACE}-${SPAN}-ff`), [`traceparent: 00-${TRACE}-${SPAN}-ff`]);
  });

  it('is made without one, and a tracestate alone is dropped', () => {
    assert.deepEqual(sent(), [ANEW]);
    assert.deepEqual(sent('tracestate: a=1'), [ANEW]);
  });

  const invalid = [
    '',
    VALID.slice(13).toUpperCase(),
    `${VALID.slice(13)}-x`,
    VALID.slice(13, -1),
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `01-${TRACE}-${SPAN}-01x`,
    `01-${TRACE}-${SPAN}`,
    `0-${TRACE}-${SPAN}-01`,
  ];
  for (const value of invalid) {
    it(`${JSON.stringify(value)} is replaced, and its tracestate dropped`, () =>
      assert.deepEqual(sent(`traceparent: ${value}`, 'tracestate: a=1'), [ANEW]));
  }

  it('twice is replaced', () => assert.deepEqual(sent(VALID, VALID, 'tracestate: a=1'), [ANEW]));

  it('of a later version goes on as version 00 with the flags known there', () => {
    for (const [version, rest, flags] of [
      ['01', '', '01'],
      ['cc', '-what-ever', '03'],
      ['fe', '', 'f8'],
    ] as const) {
      const known = (Number.parseInt(flags, 16) & 3).toString().padStart(2, '0');
      const lines = [`traceparent: ${version}-${TRACE}-${SPAN}-${flags}${rest}`, 'tracestate: a=1'];
      assert.deepEqual(sent(...lines), ['tracestate: a=1', `traceparent: 00-${TRACE}-${SPAN}-${known}`]);
    }
  });
});

describe('B3', () => {
  const passes: readonly (readonly [string, readonly string[], string])[] = [
    ['single', [`b3: ${TRACE}-${SPAN}-1`], `traceparent: 00-${TRACE}-${SPAN}-01`],
    ['single, not sampled', [`b3: ${TRACE}-${SPAN}-0`], `traceparent: 00-${TRACE}-${SPAN}-00`],
    ['single, debug, with parent', [`b3: ${TRACE}-${SPAN}-d-${SPAN}`], `traceparent: 00-${TRACE}-${SPAN}-01`],
    ['single, undecided', [`b3: ${TRACE}-${SPAN}`], `traceparent: 00-${TRACE}-${SPAN}-00`],
    ['of 64 bits', [`b3: ${SPAN}-${SPAN}-1`], `traceparent: 00-${'0'.repeat(16)}${SPAN}-${SPAN}-01`],
    ['that only denies', ['b3: 0'], ANEW],
    ['that only samples', ['b3: 1'], ANEW.replace(/00$/, '01')],
    [
      'in several fields',
      [`X-B3-TraceId: ${TRACE}`, `x-b3-spanid: ${SPAN}`, `X-B3-ParentSpanId: ${SPAN}`, 'X-B3-Sampled: 1'],
      `traceparent: 00-${TRACE}-${SPAN}-01`,
    ],
    [
      'with the debug flag',
      [`X-B3-TraceId: ${SPAN}`, `X-B3-SpanId: ${SPAN}`, 'X-B3-Flags: 1'],
      `traceparent: 00-${'0'.repeat(16)}${SPAN}-${SPAN}-01`,
    ],
    ['with the old word for sampled', ['X-B3-Sampled: true'], ANEW.replace(/00$/, '01')],
  ];
  for (const [name, lines, traceparent] of passes) {
    it(`${name} passes, and makes the traceparent`, () => assert.deepEqual(sent(...lines), [...lines, traceparent]));
  }

  const dropped: readonly (readonly string[])[] = [
    [`b3: ${TRACE}-${SPAN}-2`],
    [`b3: ${TRACE}`],
    [`b3: ${TRACE.toUpperCase()}-${SPAN}-1`],
    [`b3: ${'0'.repeat(32)}-${SPAN}-1`],
    [`b3: ${TRACE}-${'0'.repeat(16)}-1`],
    ['b3:'],
    ['b3: 0', 'b3: 1'],
    [`X-B3-TraceId: ${TRACE}`],
    [`X-B3-SpanId: ${SPAN}`, 'X-B3-Sampled: 1'],
    [`X-B3-TraceId: ${TRACE}`, `X-B3-SpanId: ${SPAN}`, 'X-B3-Sampled: maybe'],
    [`X-B3-TraceId: ${TRACE}`, `X-B3-TraceId: ${TRACE}`, `X-B3-SpanId: ${SPAN}`],
    [`X-B3-TraceId: ${TRACE}x`, `X-B3-SpanId: ${SPAN}`],
    ['X-B3-Flags: 7'],
  ];
  for (const lines of dropped) it(`${lines.join(' | ')} is dropped`, () => assert.deepEqual(sent(...lines), [ANEW]));

  it('that is invalid in one form is taken in the other', () => {
    const multiple = [`X-B3-TraceId: ${TRACE}`, `X-B3-SpanId: ${SPAN}`];
    assert.deepEqual(sent('b3: x', ...multiple), [...multiple, `traceparent: 00-${TRACE}-${SPAN}-00`]);
    assert.deepEqual(sent(`b3: ${TRACE}-${SPAN}-1`, 'X-B3-Flags: 7'), [
      `b3: ${TRACE}-${SPAN}-1`,
      `traceparent: 00-${TRACE}-${SPAN}-01`,
    ]);
  });

  it('passes beside a valid traceparent, which counts; an invalid one is dropped there too', () => {
    assert.deepEqual(sent(VALID, `b3: ${SPAN}-${SPAN}`), [VALID, `b3: ${SPAN}-${SPAN}`]);
    assert.deepEqual(sent(VALID, 'b3: x'), [VALID]);
  });
});

it('a valid traceparent costs the string that it is read into', COUNTED, () => {
  const { fields } = readHead(bench().table, get('/', `${VALID}\r\n`));
  const bytes = bytesPerCall(() => void traceLines(fields, FRESH), 5000, 64);
  assert.ok(bytes <= 64, `${bytes} B`);
});
