import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { suite, test } from 'node:test';
import { endingOf, pause, untilEnd } from '#src/cli/live/ending.ts';

function surroundings() {
  const [events, output] = [new EventEmitter(), new EventEmitter()];
  const stdout = { write: () => true, on: output.on.bind(output) };
  return { events, output, ending: endingOf({ events, stdout }) };
}

suite('the end of a command that goes on', () => {
  test('a signal ends it with the code that shells give it; the first one counts', async () => {
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
    ] as const) {
      const { events, ending } = surroundings();
      const paused = pause(ending, 60_000);
      events.emit(signal);
      events.emit('SIGTERM');
      assert.deepEqual([await paused, ending.code()], [false, code]);
      ending.release();
      assert.deepEqual([events.listenerCount('SIGINT'), events.listenerCount('SIGTERM')], [0, 0]);
    }
  });

  test('a reader that went away ends it, and that is no failure', async () => {
    const { output, ending } = surroundings();
    const waiting = untilEnd(ending, new Promise<string>(() => undefined));
    output.emit('error', Object.assign(new Error('EPIPE'), { code: 'EPIPE' }));
    assert.deepEqual([await waiting, ending.code()], [null, 0]);
    assert.equal(await untilEnd(ending, Promise.resolve('late')), null);
    assert.equal(await pause(ending, 1), false);
  });

  test('until then work is waited for, and a pause passes', async () => {
    const { ending } = surroundings();
    assert.equal(await untilEnd(ending, Promise.resolve('done')), 'done');
    assert.equal(await pause(ending, 1), true);
    await assert.rejects(untilEnd(ending, Promise.reject(new Error('no'))), /no/);
  });
});
