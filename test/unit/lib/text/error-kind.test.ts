import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { errorKind, FRAMES_LENGTH_MAX } from '#src/lib/text/error-kind.ts';

const SCORE = 'file:///app/src/slo/score.ts:12:7';

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
    const frames = ['JSON.parse (<anonymous>)', `async read (${SCORE})`, 'file:///x.ts:1:1'];
    assert.equal(errorKind(errorWith('odd', frames)), 'Error at score.ts:12:7');
    assert.equal(errorKind(errorWith('odd', ['async file:///app/main.ts:3:1'])), 'Error at main.ts:3:1');
    assert.equal(errorKind(errorWith('odd', ['Object.<anonymous> (/app/old.cjs:3:1)'])), 'Error at old.cjs:3:1');
    const inner = ['node:internal/timers:605:17', 'file:///app/main.ts:3:1'];
    assert.equal(errorKind(errorWith('odd', inner)), 'Error at node:internal/timers:605:17');
  });

  it('has the codes of systems, libraries and this program, and names as classes of errors have them', () => {
    for (const code of [
      'EIO',
      'EAI_AGAIN',
      'ERR_HTTP2_INVALID_STREAM',
      'HPE_INVALID_CONSTANT',
      'SLU1925',
      'Z_BUF_ERROR',
    ]) {
      assert.equal(errorKind(Object.assign(errorWith('odd', []), { code })), `Error ${code}`);
    }
    assert.equal(errorKind(new DOMException('odd', 'AbortError')).split(' ')[0], 'AbortError');
    assert.equal(errorKind(Object.assign(errorWith('odd', []), { name: 'SQLException' })), 'SQLException');
  });

  it('is without a place where the stack has none, or is not known to be its own', () => {
    assert.equal(errorKind(errorWith('odd', ['new Promise (<anonymous>)'])), 'Error');
    assert.equal(errorKind(Object.assign(new Error('odd'), { stack: undefined })), 'Error');
    const renamed = errorWith(`    at ${SCORE}`, ['read (file:///app/late.ts:1:1)']);
    renamed.message = 'while reading';
    assert.equal(errorKind(renamed), 'Error');
  });

  it('is of a message that looks like a stack, or holds one, the place behind it', () => {
    for (const message of ['odd\n    at file:///pass.ts:1:1', '', 'r']) {
      assert.equal(errorKind(errorWith(message, [`read (${SCORE})`])), 'Error at score.ts:12:7');
    }
  });

  it('has no name or code that could be a text', () => {
    const error = Object.assign(errorWith('odd', []), { name: 'Bearer x', code: 'pass word' });
    assert.equal(errorKind(error), 'Error');
    for (const name of ['hunter2', 'Hunter', 'X'.repeat(65), `${'X'.repeat(65)}Error`, 'hunter2\nError', 7]) {
      assert.equal(errorKind(Object.assign(errorWith('odd', []), { name })), 'Error', String(name));
    }
    for (const code of [
      'HUNTER2',
      'AKIA0123456789ABCDEF',
      'E0123456789ABCDEF0',
      'A_'.repeat(40),
      `A${'_B'.repeat(40)}`,
      7,
    ]) {
      assert.equal(errorKind(Object.assign(errorWith('odd', []), { code })), 'Error', String(code));
    }
  });

  it('has no place that is none of a source file', () => {
    const error = new Error('');
    for (const frame of [
      ...['hunter2:1:2', 'read (hunter2:1:2)', 'read (hunter2.ts:1:2)', 'https://a.example/hunter2:1:2'],
      ...[
        'file:///app/hunter2:1:2',
        'read (file:///app/hunter2.key:1:2)',
        'read (/app/score.ts:1:2) hunter2',
        'node:x y:1:2',
      ],
    ]) {
      error.stack = `Error at hunter2:1:2\n    at ${frame}\nat ${SCORE}`;
      assert.equal(errorKind(error), 'Error', frame);
    }
    error.stack = `    at ${SCORE}`;
    assert.equal(errorKind(error), 'Error', 'the first line is of the message');
  });

  it('is looked for in the beginning of the stack alone', () => {
    const frame = `read (${SCORE})`;
    assert.equal(errorKind(errorWith('odd', ['x'.repeat(FRAMES_LENGTH_MAX / 2), frame])), 'Error at score.ts:12:7');
    assert.equal(errorKind(errorWith('odd', ['x'.repeat(FRAMES_LENGTH_MAX), frame])), 'Error');
    assert.equal(errorKind(errorWith('o'.repeat(FRAMES_LENGTH_MAX), [frame])), 'Error at score.ts:12:7');
  });

  it('says of what is no error only what it is', () => {
    assert.deepEqual(['pass', null, { token: 'pass' }].map(errorKind), [
      'a thrown string',
      'a thrown object',
      'a thrown object',
    ]);
  });
});
