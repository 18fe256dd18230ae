/** Headers of the PROXY protocol: which are taken, what they say, and that no cut into packets and no byte behind them matters. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Proxied } from '#src/proxy/wire/proxied/proxied.ts';
import { HEADER_BYTES_MAX } from '#src/proxy/wire/proxied/v2.ts';
import { ADDRESSES_V4, checkedHeaderOf, headerOf, LINE, readHeader } from '../../../../support/http/proxied.ts';
import { samples } from '../../../../support/runner/depth.ts';

const SOURCE = { address: '203.0.113.9', port: 40_000 };
const DESTINATION = { address: '198.51.100.7', port: 443 };
const BEHIND = Buffer.from('\x16\x03\x01GET / HTTP/1.1\r\n', 'latin1');
const V6 = [0x20, 0x01, 0x0d, 0xb8, ...Array.from({ length: 11 }, () => 0), 1];
const MAPPED = [...Array.from({ length: 10 }, () => 0), 255, 255, 203, 0, 113, 9];
const PORTS = ADDRESSES_V4.slice(8);

function lineOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

const TAKEN: readonly (readonly [name: string, header: Buffer, ends: Proxied['ends']])[] = [
  ['TCP4', lineOf(LINE), { source: SOURCE, destination: DESTINATION }],
  [
    'TCP6, upper case, another spelling',
    lineOf('PROXY TCP6 2001:DB8:0::0:1 ::1 1 65535\r\n'),
    { source: { address: '2001:db8::1', port: 1 }, destination: { address: '::1', port: 65_535 } },
  ],
  [
    'TCP6 with an IPv4 address in it',
    lineOf('PROXY TCP6 ::FFFF:203.0.113.9 ::ffff:c633:6407 40000 443\r\n'),
    { source: SOURCE, destination: DESTINATION },
  ],
  [
    'the longest there is',
    lineOf(`PROXY TCP6 ${'ffff:'.repeat(7)}ffff ${'fffe:'.repeat(7)}fffe 65535 65535\r\n`),
    {
      source: { address: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', port: 65_535 },
      destination: { address: 'fffe:fffe:fffe:fffe:fffe:fffe:fffe:fffe', port: 65_535 },
    },
  ],
  [
    'port 0',
    lineOf('PROXY TCP4 203.0.113.9 198.51.100.7 40000 0\r\n'),
    { source: SOURCE, destination: { address: '198.51.100.7', port: 0 } },
  ],
  ['UNKNOWN', lineOf('PROXY UNKNOWN\r\n'), null],
  ['UNKNOWN with something', lineOf('PROXY UNKNOWN ffff::1 garbage 1 2 3\r\n'), null],
  ['UNKNOWN of 107 bytes', lineOf(`PROXY UNKNOWN ${'x'.repeat(91)}\r\n`), null],
  ['version 2', headerOf(), { source: SOURCE, destination: DESTINATION }],
  [
    'version 2 over IPv6',
    headerOf({ family: 0x21, addresses: [...V6, ...V6, ...PORTS] }),
    { source: { address: '2001:db8::1', port: 40_000 }, destination: { address: '2001:db8::1', port: 443 } },
  ],
  [
    'version 2 with an IPv4 address in IPv6',
    headerOf({ family: 0x21, addresses: [...MAPPED, ...MAPPED, ...PORTS] }),
    { source: SOURCE, destination: { ...SOURCE, port: 443 } },
  ],
  ['version 2 of a UNIX socket', headerOf({ family: 0x31, addresses: Array.from({ length: 216 }, () => 1) }), null],
  ['version 2 of nobody', headerOf({ family: 0x00, addresses: [] }), null],
  ['LOCAL', headerOf({ command: 0x20, family: 0x00, addresses: [] }), null],
  ['LOCAL with anything', headerOf({ command: 0x20, family: 0xff, addresses: [1, 2, 3] }), null],
  [
    'unknown fields',
    headerOf({
      fields: [
        [0xe0, [1, 2]],
        [0x04, []],
      ],
    }),
    { source: SOURCE, destination: DESTINATION },
  ],
  ['a right checksum', checkedHeaderOf({ fields: [[0x01, [104, 50]]] }), { source: SOURCE, destination: DESTINATION }],
  [
    'as long as it may be',
    headerOf({ fields: [[0x04, Array.from({ length: HEADER_BYTES_MAX - 31 }, () => 0)]] }),
    { source: SOURCE, destination: DESTINATION },
  ],
];

const WRONG_CHECKSUM = checkedHeaderOf();
WRONG_CHECKSUM.writeUInt8((WRONG_CHECKSUM.at(-1) as number) ^ 1, WRONG_CHECKSUM.length - 1);

const REFUSED: readonly (readonly [name: string, header: Buffer])[] = [
  ...[
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03aaaaaaaa',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'proxy TCP4 203.0.113.9 198.51.100.7 40000 443\r\n',
    ' PROXY TCP4 203.0.113.9 198.51.100.7 40000 443\r\n',
    'PROXY  TCP4 203.0.113.9 198.51.100.7 40000 443\r\n',
    'PROXY TCP4  203.0.113.9 198.51.100.7 40000 443\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 443 \r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 443 1\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000\r\nGET / HTTP/1.1\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 443\nGET / HTTP/1.1\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 443\r\rGET / HTTP/1.1\r\n',
    'PROXY TCP4 203.0.113.9\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 040000 443\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 65536\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 -1\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 0x1bb\r\n',
    'PROXY TCP4 203.0.113.9 198.51.100.7 40000 443e\r\n',
    'PROXY TCP4 203.000.113.9 198.51.100.7 40000 443\r\n',
    'PROXY TCP4 203.0.113.256 198.51.100.7 40000 443\r\n',
    'PROXY TCP4 203.0.113 198.51.100.7 40000 443\r\n',
    'PROXY TCP4 0xcb.0.113.9 198.51.100.7 40000 443\r\n',
    'PROXY TCP4 2001:db8::1 ::1 40000 443\r\n',
    'PROXY TCP6 203.0.113.9 198.51.100.7 40000 443\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 40000 443\r\n',
    'PROXY TCP6 [2001:db8::1] ::1 40000 443\r\n',
    'PROXY TCP6 2001:db8:::1 ::1 40000 443\r\n',
    'PROXY TCP5 203.0.113.9 198.51.100.7 40000 443\r\n',
    'PROXY UDP4 203.0.113.9 198.51.100.7 40000 443\r\n',
    'PROXY UNKNOWNX\r\n',
    'PROXY UNKNOWN a\nb\r\n',
    `PROXY UNKNOWN ${'x'.repeat(92)}\r\n`,
    `PROXY TCP4 ${'1'.repeat(120)}\r\n`,
    'PROXY TCP4 203.0.113.9\0 198.51.100.7 40000 443\r\n',
  ].map((text) => [JSON.stringify(text), lineOf(text)] as const),
  ['another version', headerOf({ command: 0x11 })],
  ['version 3', headerOf({ command: 0x31 })],
  ['an unknown command', headerOf({ command: 0x22 })],
  ['an unknown family', headerOf({ family: 0x41 })],
  ['an unknown transport', headerOf({ family: 0x13 })],
  ['no transport', headerOf({ family: 0x10 })],
  ['datagrams', headerOf({ family: 0x12 })],
  ['addresses that are cut off', headerOf({ addresses: ADDRESSES_V4.slice(0, 11) })],
  ['IPv6 with the addresses of IPv4', headerOf({ family: 0x21 })],
  ['a field that is cut off', headerOf({ addresses: [...ADDRESSES_V4, 0x04, 0] })],
  ['a field that is longer than the header', headerOf({ addresses: [...ADDRESSES_V4, 0x04, 0, 2, 1] })],
  ['a wrong checksum', WRONG_CHECKSUM],
  ['a checksum of another length', headerOf({ fields: [[0x03, [0, 0, 0]]] })],
  ['a header that is too long', headerOf({ length: HEADER_BYTES_MAX - 15 })],
  ['another signature', Buffer.concat([headerOf().subarray(0, 11), Buffer.from('\r'), headerOf().subarray(12)])],
];

function everyCut(header: Buffer, check: (cuts: readonly number[]) => void): void {
  for (let cut = 1; cut < Math.min(header.length, 300); cut++) check([cut]);
  check(Array.from({ length: header.length }, (_, n) => n));
}

describe('a header', () => {
  for (const [name, header, ends] of TAKEN) {
    it(`is read however it is cut, and nothing behind it: ${name}`, () => {
      const version = header[0] === 0x0d ? 2 : 1;
      everyCut(header, (cuts) => {
        const { proxied, rest } = readHeader(Buffer.concat([header, BEHIND]), cuts);
        assert.deepEqual(proxied, { version, ends });
        assert.deepEqual(rest, BEHIND);
      });
    });

    it(`is not there before its last byte: ${name}`, () => {
      for (let length = 1; length < Math.min(header.length, 300); length++) {
        const { proxied, fault, isOpen } = readHeader(header.subarray(0, length));
        assert.deepEqual([proxied, fault, isOpen], [null, '', true], `after ${length} bytes`);
      }
    });
  }

  for (const [name, header] of REFUSED) {
    it(`is refused however it is cut: ${name}`, () => {
      const { fault } = readHeader(header);
      assert.notEqual(fault, '');
      everyCut(header, (cuts) => assert.equal(readHeader(header, cuts).proxied, null));
      everyCut(header, (cuts) => assert.notEqual(readHeader(header, cuts).fault, ''));
    });
  }

  it('that is none is refused at its first byte', () => {
    for (const first of ['G', '\x16', '\0', 'p', '\n']) assert.notEqual(readHeader(lineOf(first)).fault, '', first);
  });
});

const anyHeader = fc.constantFrom(...TAKEN.map(([, header]) => header), ...REFUSED.map(([, header]) => header));
const anyEdit = fc.record({ at: fc.nat(120), cut: fc.nat(3), bytes: fc.uint8Array({ maxLength: 3 }) });

describe('headers with bytes changed', () => {
  it('are read alike whatever the packets are, and never beyond their end', () => {
    fc.assert(
      fc.property(anyHeader, fc.array(anyEdit, { maxLength: 3 }), fc.array(fc.nat(200)), (header, edits, cuts) => {
        let bytes = header;
        for (const { at, cut, bytes: inserted } of edits) {
          bytes = Buffer.concat([bytes.subarray(0, at), inserted, bytes.subarray(at + cut)]);
        }
        const whole = readHeader(bytes);
        const cutUp = readHeader(bytes, cuts);
        assert.deepEqual([cutUp.proxied, cutUp.isOpen], [whole.proxied, whole.isOpen]);
        assert.equal(cutUp.fault === '', whole.fault === '');
        if (whole.proxied === null) return;
        assert.deepEqual(cutUp.rest, whole.rest);
        const header0 = bytes.subarray(0, bytes.length - whole.rest.length);
        assert.deepEqual(readHeader(header0).proxied, whole.proxied);
        assert.ok(header0.length <= (whole.proxied.version === 1 ? 107 : HEADER_BYTES_MAX));
      }),
      { numRuns: samples(2000, 300) },
    );
  });
});
