/** A request line that came before: only what nothing else of the request has a say in is known of it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Rule } from '#src/proxy/decide/rules.ts';
import { NameTable } from '#src/proxy/http1/fields/names.ts';
import { RequestHead } from '#src/proxy/http1/request-head.ts';
import { readMemory } from '#src/proxy/wire/memory/memory.ts';
import { LIMITS } from '../../../../support/proxy/limits.ts';

function reader(): { readonly head: RequestHead; readonly read: (text: string, length?: number) => number } {
  const head = new RequestHead(new NameTable([]), LIMITS, new Set());
  return {
    head,
    read: (text, length = text.length) => {
      readMemory.write(text, 'latin1');
      return head.parse(readMemory, 0, length);
    },
  };
}

const GET_X = 'GET /x HTTP/1.1\r\n';

/** Reads it so often that its line is known. */
function learn(read: (text: string) => number, text: string): void {
  for (let n = 0; n < 3; n++) assert.equal(read(text), text.length);
}

describe('a request line that came before', () => {
  it('with a target in absolute form is held against each Host', () => {
    const { read } = reader();
    const line = 'GET http://a/x HTTP/1.1\r\n';
    learn(read, `${line}Host: a\r\n\r\n`);
    assert.equal(read(`${line}Host: b\r\n\r\n`), -1);
  });

  it('of OPTIONS ends here or not as its Max-Forwards says', () => {
    const { head, read } = reader();
    const line = 'OPTIONS /x HTTP/1.1\r\nHost: a\r\n';
    learn(read, `${line}Max-Forwards: 1\r\n\r\n`);
    assert.equal(head.isForUs, false);
    assert.ok(read(`${line}Max-Forwards: 0\r\n\r\n`) > 0);
    assert.equal(head.isForUs, true);
    learn(read, `${GET_X}Host: a\r\n\r\n`);
    assert.ok(read('OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n') > 0);
    assert.equal(read(`${GET_X}Host: a\r\n\r\n`) > 0 && head.isForUs, false);
  });

  it('is refused as ever without the LF behind its CR, and incomplete where it is cut', () => {
    const { head, read } = reader();
    const text = `${GET_X}Host: a\r\n\r\n`;
    learn(read, text);
    assert.equal(read('GET /x HTTP/1.1\rHost: a\r\n\r\n'), -1);
    assert.equal(head.detail, 'malformed request line');
    for (let length = 1; length < text.length; length++) assert.equal(read(text, length), 0, `${length}`);
  });

  it('says nothing of the fields: each Host and each body is read', () => {
    const { head, read } = reader();
    learn(read, `${GET_X}Host: a\r\n\r\n`);
    for (const host of ['b', 'c']) {
      assert.ok(read(`${GET_X}Host: ${host}\r\nContent-Length: 3\r\n\r\n`) > 0);
      assert.deepEqual([head.host, head.bodyLength, head.target, head.path], [host, 3, '/x', '/x']);
    }
    assert.equal(read(`${GET_X}\r\n`), -1);
  });

  it('allows as much as the parser it came to before, and no other', () => {
    const [wide, narrow] = [
      reader(),
      new RequestHead(new NameTable([]), { ...LIMITS, requestLineBytesMax: 5 }, new Set()),
    ];
    const text = `${GET_X}Host: a\r\n\r\n`;
    learn(wide.read, text);
    for (let n = 0; n < 3; n++) assert.equal(narrow.parse(readMemory, 0, text.length), -1);
    assert.equal(wide.read(text), text.length);
  });
});

describe('the rule of a line that came before', () => {
  it('is let go of when other routes are in force, and the line stays known', () => {
    const { head, read } = reader();
    learn(read, `${GET_X}Host: a\r\n\r\n`);
    const { line } = head;
    assert.ok(line !== null && line.rule === null);
    line.ruleOf = 7;
    line.rule = {} as Rule;
    head.forgetRules();
    assert.deepEqual([line.rule, line.ruleOf], [null, -1]);
    assert.ok(read(`${GET_X}Host: a\r\n\r\n`) > 0);
    assert.equal(head.line, line);
    assert.ok(read('GET /y HTTP/1.1\r\nHost: a\r\n\r\n') > 0);
    assert.equal(head.line, null);
  });
});
