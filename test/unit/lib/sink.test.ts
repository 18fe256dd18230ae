import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { openSink, type WriteCall } from '#src/lib/sink.ts';

/** A write call whose completions the test gives out one by one. */
function scriptedWrite(): { call: WriteCall; written: string[]; finish: (code?: string, bytes?: number) => void } {
  const written: string[] = [];
  let pending: { bytes: Uint8Array; done: Parameters<WriteCall>[2] } | null = null;
  return {
    call: (_fd, bytes, done) => {
      assert.equal(pending, null, 'one write at a time');
      pending = { bytes, done };
    },
    written,
    finish: (code, bytes) => {
      assert.ok(pending !== null, 'a write is under way');
      const { bytes: all, done } = pending;
      pending = null;
      if (code !== undefined) {
        done(Object.assign(new Error(code), { code }), 0);
        return;
      }
      const count = bytes ?? all.length;
      written.push(Buffer.from(all.subarray(0, count)).toString());
      done(null, count);
    },
  };
}

suite('sink', () => {
  test('lines arrive in order, what came meanwhile in one write', () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call);
    sink.write('a\n');
    sink.write('b\n');
    sink.write('c\n');
    script.finish();
    script.finish();
    assert.deepEqual(script.written, ['a\n', 'b\nc\n']);
    assert.deepEqual(sink.losses(), { errors: 0, lines: 0, lastCode: '' });
  });

  test('lines that are given together leave in one write, behind those that wait', () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call);
    sink.writeAll(['a\n', 'b\n']);
    sink.writeAll([]);
    sink.write('c\n');
    sink.writeAll(['d\n', 'e\n']);
    script.finish();
    script.finish();
    assert.deepEqual(script.written, ['a\nb\n', 'c\nd\ne\n']);
  });

  test('of lines that are given together those beyond the bound are dropped and counted', () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call, 8);
    sink.writeAll(['first\n', 'second\n', 'x\n', 'y\n']);
    script.finish();
    assert.deepEqual(script.written, ['first\nx\n']);
    assert.equal(sink.losses().lines, 2);
    sink.writeAll(['too long\n']);
    sink.write('next\n');
    script.finish();
    assert.deepEqual(script.written, ['first\nx\n', 'next\n']);
  });

  test('a partial write is continued where it stopped', () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call);
    sink.write('hello\n');
    script.finish(undefined, 2);
    script.finish();
    assert.equal(script.written.join(''), 'hello\n');
  });

  test('a full disk loses the lines it met, counts them, and the next line is tried afresh', () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call);
    sink.write('lost\n');
    script.finish('ENOSPC');
    sink.write('kept\n');
    script.finish();
    assert.deepEqual(script.written, ['kept\n']);
    assert.deepEqual(sink.losses(), { errors: 1, lines: 1, lastCode: 'ENOSPC' });
  });

  test('nothing is written after the reader is gone', () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call);
    sink.write('one\n');
    sink.write('two\n');
    script.finish('EPIPE');
    sink.write('three\n');
    assert.deepEqual(script.written, []);
    assert.deepEqual(sink.losses(), { errors: 1, lines: 3, lastCode: 'EPIPE' });
  });

  test('lines beyond the bound of the queue are dropped and counted', () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call, 8);
    sink.write('first\n');
    sink.write('second\n');
    sink.write('third\n');
    script.finish();
    script.finish();
    assert.deepEqual(script.written, ['first\n', 'second\n']);
    assert.equal(sink.losses().lines, 1);
  });

  test('EAGAIN is tried again without losing a byte', async () => {
    const written: string[] = [];
    let refusals = 2;
    const sink = openSink(-1, (_fd, bytes, done) => {
      if (refusals > 0) {
        refusals -= 1;
        done(Object.assign(new Error('EAGAIN'), { code: 'EAGAIN' }), 0);
        return;
      }
      written.push(Buffer.from(bytes).toString());
      done(null, bytes.length);
    });
    sink.write('later\n');
    await sink.flush(5000);
    assert.deepEqual(written, ['later\n']);
    assert.equal(sink.losses().errors, 0);
  });

  test('flush resolves at once when nothing waits, and after its limit when the reader is stuck', async () => {
    const script = scriptedWrite();
    const sink = openSink(-1, script.call);
    await sink.flush(60_000);
    sink.write('stuck\n');
    await sink.flush(1);
    assert.deepEqual(script.written, []);
  });

  test('a real file receives every line', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-sink-'));
    const file = join(folder, 'log');
    const fd = openSync(file, 'w');
    const sink = openSink(fd);
    for (let index = 0; index < 1000; index++) sink.write(`line ${index}\n`);
    await sink.flush(5000);
    closeSync(fd);
    assert.equal(readFileSync(file, 'utf8').split('\n').length, 1001);
    rmSync(folder, { recursive: true });
  });
});
