/** A change that could not be taken: by itself, as it hears what nobody caught. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SluiceError } from '#src/model/problem.ts';
import type { Disk } from '#src/sources/disk.ts';
import { type FileEvent, openFile, type Timers } from '#src/sources/file.ts';

const TIMES = { debounceMs: 100, pollMs: 5000 };

test('a change that could not be taken is said again at the next look, until it is taken', async (t) => {
  const caught: unknown[] = [];
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (error) => caught.push(error));
  t.after(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener);
  });

  let now: string | SluiceError = 'first';
  const readBytes = async (): Promise<Uint8Array> => {
    if (now instanceof SluiceError) throw now;
    return Buffer.from(now);
  };
  const disk: Pick<Disk, 'readBytes' | 'watchFolder'> = { readBytes, watchFolder: () => ({ close: () => undefined }) };
  const pending = new Map<number, () => void>();
  let number = 0;
  const set = (run: () => void): number => {
    pending.set(++number, run);
    return number;
  };
  const timers: Timers = { set, clear: (timer) => void pending.delete(timer as number) };
  /** Whatever is due, and all that follows from it at once. */
  const look = async (): Promise<void> => {
    for (const [timer, run] of [...pending]) if (pending.delete(timer)) run();
    await new Promise((resolve) => setImmediate(resolve));
  };

  const said: string[] = [];
  let isOdd = false;
  const onEvent = (event: FileEvent): void => {
    if (isOdd) throw new TypeError('odd');
    said.push(event.kind === 'text' ? event.text : `${event.kind}: ${event.error.message}`);
  };
  const { source } = await openFile('conf/gateway.yaml', onEvent, { ...TIMES, timers, disk });
  t.after(() => source.close());
  await look();
  for (const text of ['second', new SluiceError('SLU_CONFIG_UNREADABLE', 'gone')]) {
    now = text;
    isOdd = true;
    await look();
    isOdd = false;
    await look();
    await look();
  }
  assert.deepEqual([said, caught.length], [['second', 'unreadable: gone'], 2]);
});
