import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { suite, test } from 'node:test';
import { watchForEnd } from '#src/cli/demo/stop.ts';

function terminal(isTTY: boolean) {
  const calls: string[] = [];
  const input = Object.assign(new EventEmitter(), {
    isTTY,
    setRawMode: (isRaw: boolean) => calls.push(`raw ${isRaw}`),
    resume: () => calls.push('resume'),
    pause: () => calls.push('pause'),
  });
  return { input, calls };
}

suite('stop', () => {
  test('each of the signals ends it, and a second one is no error', () => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      const events = new EventEmitter();
      const stop = watchForEnd(events, terminal(false).input);
      assert.ok(!stop.signal.aborted);
      events.emit(signal);
      events.emit(signal);
      assert.ok(stop.signal.aborted, signal);
      stop.release();
    }
  });

  test('on a terminal q and Ctrl-C end it and other keys do not', () => {
    for (const [key, ends] of [
      ['q', true],
      ['Q', true],
      ['\u0003', true],
      ['x', false],
      ['\u001b[A', false],
      ['aq', true],
    ] as const) {
      const { input } = terminal(true);
      const stop = watchForEnd(new EventEmitter(), input);
      input.emit('data', Buffer.from(key));
      assert.equal(stop.signal.aborted, ends, JSON.stringify(key));
      stop.release();
    }
  });

  test('the terminal is given back and no listener is left', () => {
    const events = new EventEmitter();
    const { input, calls } = terminal(true);
    const stop = watchForEnd(events, input);
    stop.release();
    assert.deepEqual(calls, ['raw true', 'resume', 'raw false', 'pause']);
    assert.deepEqual([events.eventNames(), input.eventNames()], [[], []]);
  });

  test('what is no terminal is not read', () => {
    const { input, calls } = terminal(false);
    const stop = watchForEnd(new EventEmitter(), input);
    stop.end();
    stop.release();
    assert.ok(stop.signal.aborted);
    assert.deepEqual(calls, []);
  });
});
