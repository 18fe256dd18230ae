import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorKind } from '#src/lib/text/error-kind.ts';

function errorWith(message: string, frames: readonly string[]): Error {
  const error = new Error(message);
  error.stack = [`Error: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join('\n');
  return error;
}

describe('the kind of an error', () => {
  it('is its class, its code and the topmost place of its stack', () => {
    assert.match(errorKind(new RangeError('odd')), /^RangeError at error-kind\.test\.ts:\d+:\d+$/);
    const full = Object.assign(errorWith('full', ['write (node:fs:871:3)']), { code: 'ENOSPC' });
    assert.equal(errorKind(full), 'Error ENOSPC at node:fs:871:3');
    const frames = ['JSON.parse (<anonymous>)', 'async read (file:///app/src/slo/score.ts:12:7)', 'x.ts:1:1'];
    assert.equal(errorKind(errorWith('odd', frames)), 'Error at score.ts:12:7');
    assert.equal(errorKind(errorWith('odd', ['file:///app/main.ts:3:1'])), 'Error at main.ts:3:1');
  });

  it('is without a place where the stack has none, or is not known to be its own', () => {
    assert.equal(errorKind(errorWith('odd', ['new Promise (<anonymous>)'])), 'Error');
    assert.equal(errorKind(Object.assign(new Error('odd'), { stack: undefined })), 'Error');
    const renamed = errorWith('    at score.ts:1:1', ['read (score.ts:12:7)']);
    renamed.message = 'while reading';
    assert.equal(errorKind(renamed), 'Error');
  });

  it('is of a message that looks like a stack, or holds one, the place behind it', () => {
    assert.equal(errorKind(errorWith('odd\n    at pass:1:1', ['read (score.ts:12:7)'])), 'Error at score.ts:12:7');
    assert.equal(errorKind(errorWith('', ['read (score.ts:12:7)'])), 'Error at score.ts:12:7');
    assert.equal(errorKind(errorWith('r', ['read (score.ts:12:7)'])), 'Error at score.ts:12:7');
  });

  it('has no name or code that could be a text', () => {
    const error = Object.assign(errorWith('odd', []), { name: 'Bearer x', code: 'pass word' });
    assert.equal(errorKind(error), 'Error');
    assert.equal(errorKind(Object.assign(errorWith('odd', []), { name: 'X'.repeat(65), code: 7 })), 'Error');
  });

  it('says of what is no error only what it is', () => {
    assert.deepEqual(['pass', null, { token: 'pass' }].map(errorKind), [
      'a thrown string',
      'a thrown object',
      'a thrown object',
    ]);
  });
});
