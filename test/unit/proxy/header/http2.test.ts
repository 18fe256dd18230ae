import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fieldFault, isOfConnection, isValue, nameOf, valueOf } from '#src/proxy/header/http2.ts';

const NAMES = 2000;

describe('a field', () => {
  it('is fine again and again, and with any byte that a value may have', () => {
    for (let n = 0; n < 3; n++) assert.equal(fieldFault('x-fine', 'a\tb \xe9\xff'), '');
    assert.equal(fieldFault('x-fine', ''), '');
  });

  it('is judged by its value however often its name was fine', () => {
    for (const value of ['1\r\ny: 2', '1\n', '\0', '\x7f', ' 1', '1\t', 'č']) {
      assert.match(fieldFault('x-fine', value), /value/, JSON.stringify(value));
      assert.equal(isValue(value), false);
    }
  });

  it('has a token in lower case as its name, and is of no connection', () => {
    for (const name of ['', 'X', 'a b', 'a\r\nb', 'a:', 'é']) assert.match(fieldFault(name, '1'), /name/);
    for (const name of ['connection', 'transfer-encoding', 'upgrade', 'keep-alive', 'proxy-connection']) {
      assert.notEqual(fieldFault(name, '1'), '');
      assert.equal(isOfConnection(name), true);
    }
    assert.equal(isOfConnection('te'), false);
  });

  it('is judged the same when more names came than are kept', () => {
    for (let n = 0; n < NAMES; n++) assert.equal(fieldFault(`x-${n}`, '1'), '');
    for (let n = 0; n < NAMES; n++) assert.notEqual(fieldFault(`X-${n}`, '1'), '');
    assert.equal(fieldFault('y'.repeat(100), '1'), '');
    assert.equal(fieldFault('x-1999', '1'), '');
  });
});

describe('a line', () => {
  const cut = (line: string): string[] => {
    const colon = line.indexOf(':');
    return [nameOf(line, 0, colon), valueOf(line, colon + 1, line.length)];
  };

  it('is a name in lower case and what stands between the white space', () => {
    assert.deepEqual(cut('Content-Type: text/plain'), ['content-type', 'text/plain']);
    assert.deepEqual(cut('CONTENT-TYPE:\t a b \t'), ['content-type', 'a b']);
    assert.deepEqual(cut('content-type:'), ['content-type', '']);
    assert.deepEqual(cut('content-type: \t '), ['content-type', '']);
  });

  it('keeps every byte of its value that is neither space nor tab', () => {
    assert.deepEqual(cut('X: \xa0voil\xc3\xa0 '), ['x', '\xa0voil\xc3\xa0']);
    assert.deepEqual(cut('X: \x85'), ['x', '\x85']);
  });

  it('is cut the same when more names came than are kept', () => {
    for (let n = 0; n < NAMES; n++) assert.equal(nameOf(`Line-${n}: 1`, 0, `Line-${n}`.length), `line-${n}`);
    assert.equal(nameOf(`${'Y'.repeat(100)}: 1`, 0, 100), 'y'.repeat(100));
  });
});
