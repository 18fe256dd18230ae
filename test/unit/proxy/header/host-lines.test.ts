/** Lines of hosts, kept for all who ask for several and are told of in the same words. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PeerLines } from '#src/proxy/header/forwarded.ts';
import { HostLines } from '#src/proxy/header/host-lines.ts';
import { peerOf } from '../../../support/proxy/parts.ts';

const SAID = 'Said: a\r\n';

describe('lines of a host', () => {
  it('are made once for what is said of a peer and a host', () => {
    const lines = new HostLines();
    const line = lines.of(SAID, 'x');
    assert.deepEqual([line.host, line.text], ['x', `${SAID}X-Forwarded-Host: x\r\n`]);
    assert.equal(line.bytes.toString('latin1'), line.text);
    assert.equal(lines.of(SAID, 'x'), line);
    assert.equal(lines.of(SAID, 'y').text, `${SAID}X-Forwarded-Host: y\r\n`);
    assert.equal(lines.of('Said: b\r\n', 'x').text, 'Said: b\r\nX-Forwarded-Host: x\r\n');
    assert.equal(lines.size, 3);
  });

  it('are bounded in number, whoever asks for how many hosts', () => {
    const lines = new HostLines();
    for (let n = 0; n < 5000; n++) {
      const said = `Said: ${n % 7}\r\n`;
      assert.equal(lines.of(said, `h${n}`).text, `${said}X-Forwarded-Host: h${n}\r\n`);
      assert.ok(lines.size > 0 && lines.size <= 1024, `${lines.size}`);
    }
  });

  it('are bounded in bytes, however much is said of a peer', () => {
    const lines = new HostLines();
    const said = `Said: ${'a'.repeat(20_000)}\r\n`;
    for (let n = 0; n < 500; n++) {
      lines.of(said, `h${n}`);
      assert.ok(lines.size > 0 && lines.size <= 26, `${lines.size}`);
    }
  });

  it('refer to nothing but themselves', () => {
    const { bytes } = new HostLines().of(SAID, 'x');
    assert.equal(bytes.buffer.byteLength, bytes.length);
  });
});

describe('connections that ask for several hosts', () => {
  const of = (hosts: HostLines, address: string): PeerLines => new PeerLines({ ...peerOf(), address }, '1.1', hosts);

  it('have the same lines for the same peer, and others than another peer', () => {
    const hosts = new HostLines();
    const [first, second, stranger] = ['203.0.113.7', '203.0.113.7', '203.0.113.8'].map((one) => of(hosts, one));
    const told = [first, second, stranger].map((lines) => {
      for (const host of ['a', 'b', 'a']) lines?.of(host);
      return { text: lines?.of('b') as string, bytes: lines?.bytesOf(lines.of('b')) };
    });
    assert.equal(told[0]?.bytes, told[1]?.bytes);
    assert.match(told[0]?.text ?? '', /^X-Forwarded-For: 203\.0\.113\.7$/m);
    assert.match(told[2]?.text ?? '', /^X-Forwarded-For: 203\.0\.113\.8$/m);
    assert.equal(told[2]?.bytes?.toString('latin1'), told[2]?.text);
  });

  it('are the only ones that anything is kept for', () => {
    const hosts = new HostLines();
    const lines = of(hosts, '203.0.113.7');
    for (let n = 0; n < 5; n++) assert.match(lines.of('a'), /^X-Forwarded-Host: a$/m);
    assert.equal(hosts.size, 0);
    for (let n = 0; n < 5; n++) for (const host of ['b', 'a']) lines.of(host);
    assert.equal(hosts.size, 2);
  });
});
