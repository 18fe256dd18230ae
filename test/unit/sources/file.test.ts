import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { SluiceError } from '#src/model/problem.ts';
import type { Disk } from '#src/sources/disk.ts';
import { EXTENSIONS_MAX, type FileEvent, type FileSource, openFile, type Timers } from '#src/sources/file.ts';
import { until } from '../../support/gateway.ts';

const DEBOUNCE_MS = 100;
const POLL_MS = 5000;

/** Timers that run when the test says so, by their delay. */
class ManualTimers implements Timers {
  readonly #pending = new Map<number, { readonly run: () => void; readonly delayMs: number }>();
  #next = 0;

  set(run: () => void, delayMs: number): number {
    this.#pending.set(++this.#next, { run, delayMs });
    return this.#next;
  }

  clear(timer: unknown): void {
    this.#pending.delete(timer as number);
  }

  /** Delays of the timers that wait. */
  get delays(): number[] {
    return [...this.#pending.values()].map(({ delayMs }) => delayMs).toSorted((a, b) => a - b);
  }

  /** Runs the one timer with this delay. */
  fire(delayMs: number): void {
    const found = [...this.#pending].filter(([, timer]) => timer.delayMs === delayMs);
    const [first] = found;
    assert.ok(first !== undefined && found.length === 1, `${found.length} timers of ${delayMs} ms`);
    this.#pending.delete(first[0]);
    first[1].run();
  }
}

/** A disk with one file in one folder. */
class FakeDisk implements Pick<Disk, 'readBytes' | 'watchFolder'> {
  text: string | SluiceError = 'first';
  watchError: Error | null = null;
  watches = 0;
  reads = 0;
  onChange: (name: string | null) => void = () => assert.fail('not watched');
  onLost: (error: Error) => void = () => assert.fail('not watched');
  /** When set, reading waits for it. */
  gate: Promise<void> | null = null;

  async readBytes(): Promise<Uint8Array> {
    this.reads += 1;
    const { text, gate } = this;
    if (gate !== null) await gate;
    if (text instanceof SluiceError) throw text;
    return Buffer.from(text);
  }

  watchFolder(_folder: string, onChange: (name: string | null) => void, onLost: (error: Error) => void) {
    if (this.watchError !== null) throw this.watchError;
    this.watches += 1;
    this.onChange = onChange;
    this.onLost = onLost;
    return { close: () => (this.watches -= 1) };
  }
}

interface Rig {
  readonly disk: FakeDisk;
  readonly timers: ManualTimers;
  readonly events: FileEvent[];
  readonly source: FileSource;
}

/** A source that has settled in `watching`. */
async function rig(): Promise<Rig> {
  const disk = new FakeDisk();
  const timers = new ManualTimers();
  const events: FileEvent[] = [];
  const options = { debounceMs: DEBOUNCE_MS, pollMs: POLL_MS, timers, disk };
  const { text, source } = await openFile('conf/gateway.yaml', (event) => events.push(event), options);
  assert.equal(text, 'first');
  assert.equal(source.state, 'debounced');
  timers.fire(DEBOUNCE_MS);
  await settle();
  assert.equal(source.state, 'watching');
  return { disk, timers, events, source };
}

/** Lets every promise that can go on do so. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What was said, in short. */
function said(events: readonly FileEvent[]): string[] {
  return events.map((event) => (event.kind === 'text' ? event.text : `${event.kind}: ${event.error.message}`));
}

function unreadable(message: string): SluiceError {
  return new SluiceError('SLU_CONFIG_UNREADABLE', message);
}

describe('what nothing expected', () => {
  test('at a look is a file that cannot be read, and the next look finds it', async (t) => {
    const { disk, timers, events, source } = await rig();
    const odd = t.mock.method(disk, 'readBytes', () => Promise.reject(new TypeError('odd')));
    source.reload();
    await settle();
    assert.deepEqual(said(events), ['unreadable: conf/gateway.yaml: odd']);
    odd.mock.restore();
    timers.fire(POLL_MS);
    await settle();
    assert.deepEqual(said(events).slice(1), ['first']);
  });

  test('while the watch is renewed does not end the looks', async () => {
    const { disk, timers, events } = await rig();
    disk.watchError = new Error('no watches left');
    events.push = () => {
      throw new TypeError('odd');
    };
    assert.throws(() => timers.fire(POLL_MS), /odd/);
    assert.deepEqual(timers.delays, [POLL_MS]);
  });
});

describe('opening', () => {
  test('fails when the file cannot be read, and leaves nothing behind', async () => {
    const disk = new FakeDisk();
    const timers = new ManualTimers();
    disk.text = unreadable('gone');
    await assert.rejects(
      openFile('a.yaml', () => {}, { disk, timers }),
      { code: 'SLU_CONFIG_UNREADABLE' },
    );
    assert.deepEqual([disk.watches, timers.delays], [0, []]);
  });

  test('looks once more after the watch began, and says what changed in between', async () => {
    const disk = new FakeDisk();
    const timers = new ManualTimers();
    const events: FileEvent[] = [];
    const { source } = await openFile('a.yaml', (event) => events.push(event), { debounceMs: 7, disk, timers });
    disk.text = 'second';
    timers.fire(7);
    await settle();
    assert.deepEqual(said(events), ['second']);
    source.close();
  });
});

describe('a change', () => {
  test('is said once the folder has been quiet', async () => {
    const { disk, timers, events, source } = await rig();
    disk.text = 'second';
    disk.onChange('gateway.yaml');
    assert.equal(source.state, 'debounced');
    disk.onChange('gateway.yaml');
    assert.deepEqual(timers.delays, [DEBOUNCE_MS, POLL_MS]);
    timers.fire(DEBOUNCE_MS);
    assert.equal(source.state, 'reloading');
    await settle();
    assert.equal(source.state, 'watching');
    assert.deepEqual(said(events), ['second']);
  });

  test('is not said when the text is the same', async () => {
    const { disk, timers, events } = await rig();
    disk.onChange('gateway.yaml');
    timers.fire(DEBOUNCE_MS);
    await settle();
    assert.deepEqual(events, []);
  });

  test('is what a text is made for, and a look that finds none makes none', async (t) => {
    const { disk, timers, events } = await rig();
    const decode = t.mock.method(TextDecoder.prototype, 'decode');
    for (const text of ['first', 'first', 'second', 'second', 'second']) {
      disk.text = text;
      timers.fire(POLL_MS);
      await settle();
    }
    assert.deepEqual([said(events), decode.mock.callCount()], [['second'], 1]);
  });

  test('of a neighbor is ignored, of a ConfigMap’s own link or of something unnamed is not', async () => {
    const { disk, source } = await rig();
    disk.onChange('other.yaml');
    assert.equal(source.state, 'watching');
    for (const name of ['..data', null]) {
      const another = await rig();
      another.disk.onChange(name);
      assert.equal(another.source.state, 'debounced', String(name));
    }
  });

  test('is not put off for ever by a stream of events', async () => {
    const { disk, timers } = await rig();
    disk.onChange(null);
    let rearmed = 0;
    const clear = timers.clear.bind(timers);
    timers.clear = (timer) => {
      rearmed += 1;
      clear(timer);
    };
    for (let i = 0; i < 100; i++) disk.onChange(null);
    assert.equal(rearmed, EXTENSIONS_MAX);
    assert.deepEqual(timers.delays, [DEBOUNCE_MS, POLL_MS]);
  });

  test('while the file is being read is looked at afterwards', async () => {
    const { disk, timers, events, source } = await rig();
    const { promise, resolve } = Promise.withResolvers<void>();
    disk.gate = promise;
    disk.text = 'second';
    disk.onChange(null);
    timers.fire(DEBOUNCE_MS);
    disk.text = 'third';
    disk.onChange(null);
    resolve();
    await settle();
    assert.equal(source.state, 'debounced');
    timers.fire(DEBOUNCE_MS);
    await settle();
    assert.deepEqual(said(events), ['second', 'third']);
  });

  test('without any event is found by the poll', async () => {
    const { disk, timers, events } = await rig();
    disk.text = 'second';
    for (let i = 0; i < 3; i++) {
      timers.fire(POLL_MS);
      await settle();
    }
    assert.deepEqual(said(events), ['second']);
    assert.deepEqual([disk.watches, disk.reads], [1, 5]);
  });
});

describe('errors', () => {
  test('are said once until they change or end', async () => {
    const { disk, timers, events } = await rig();
    for (const text of [unreadable('gone'), unreadable('gone'), unreadable('locked'), 'first', 'first']) {
      disk.text = text;
      timers.fire(POLL_MS);
      await settle();
    }
    assert.deepEqual(said(events), ['unreadable: gone', 'unreadable: locked', 'first']);
  });

  test('a lost watch is said and renewed by the poll', async () => {
    const { disk, timers, events } = await rig();
    disk.watchError = new Error('no more watches');
    disk.onLost(disk.watchError);
    assert.equal(disk.watches, 0);
    timers.fire(POLL_MS);
    await settle();
    assert.deepEqual(said(events), ['unwatched: no more watches']);
    disk.watchError = null;
    timers.fire(POLL_MS);
    await settle();
    assert.equal(disk.watches, 1);
    disk.watchError = new Error('no more watches');
    timers.fire(POLL_MS);
    assert.deepEqual(said(events), ['unwatched: no more watches', 'unwatched: no more watches']);
  });
});

describe('reload', () => {
  test('says the text even if it is the same', async () => {
    const { events, source } = await rig();
    source.reload();
    assert.equal(source.state, 'reloading');
    await settle();
    assert.deepEqual(said(events), ['first']);
  });

  test('takes the place of a look that was waiting', async () => {
    const { disk, timers, events, source } = await rig();
    disk.onChange(null);
    source.reload();
    assert.deepEqual(timers.delays, [POLL_MS]);
    await settle();
    assert.deepEqual(said(events), ['first']);
  });

  test('while reading reads again at once', async () => {
    const { disk, events, source } = await rig();
    source.reload();
    disk.text = 'second';
    source.reload();
    await settle();
    assert.deepEqual(said(events), ['first', 'second']);
    assert.equal(source.state, 'watching');
  });
});

describe('close', () => {
  test('ends timers and watch from every state, and nothing is said or done afterwards', async () => {
    for (const enter of [
      () => undefined,
      ({ disk }: Rig) => disk.onChange(null),
      ({ source }: Rig) => source.reload(),
    ]) {
      const one = await rig();
      one.disk.text = 'second';
      enter(one);
      one.source.close();
      one.source.close();
      one.source.reload();
      one.disk.onLost(new Error('late'));
      await settle();
      assert.deepEqual([one.source.state, one.timers.delays, one.disk.watches, one.events], ['idle', [], 0, []]);
    }
  });
});

describe('on a real disk', () => {
  /** Follows `file`; `next()` waits for the next text. */
  async function follow(file: string) {
    const texts: string[] = [];
    const onEvent = (event: FileEvent): void => {
      if (event.kind === 'text') texts.push(event.text);
    };
    // Timers that keep the process alive: the watch itself does not.
    const timers: Timers = { set: setTimeout, clear: (timer) => clearTimeout(timer as NodeJS.Timeout) };
    const { text, source } = await openFile(file, onEvent, { debounceMs: 1, pollMs: 250, timers });
    // Also when an assertion fails: an open watch would keep the process, and the failure would never be told.
    after(() => source.close());
    const next = async (): Promise<string> => {
      await until('a text comes', () => texts.length > 0);
      return texts.shift() as string;
    };
    return { text, source, next };
  }

  async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'sluice-file-'));
    try {
      await run(folder);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test('a write and an atomic rename are seen', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'gateway.yaml');
      await writeFile(file, 'one');
      const { text, source, next } = await follow(file);
      assert.equal(text, 'one');
      for (const wanted of ['two', 'three']) {
        const seen = next();
        await writeFile(`${file}.tmp`, wanted);
        await rename(`${file}.tmp`, file);
        assert.equal(await seen, wanted);
      }
      const seen = next();
      await writeFile(file, 'four');
      // Between truncating and writing the file is empty for a moment; that is a text as well.
      const first = await seen;
      assert.ok(first === 'four' || (first === '' && (await next()) === 'four'), first);
      source.close();
    }));

  test('the swap of a ConfigMap’s ..data link is seen', () =>
    inFolder(async (folder) => {
      const file = join(folder, 'gateway.yaml');
      for (const version of ['one', 'two']) {
        await mkdir(join(folder, `..${version}`));
        await writeFile(join(folder, `..${version}`, 'gateway.yaml'), version);
      }
      await symlink('..one', join(folder, '..data'));
      await symlink('..data/gateway.yaml', file);
      const { text, source, next } = await follow(file);
      assert.equal(text, 'one');
      const seen = next();
      await symlink('..two', join(folder, '..data_tmp'));
      await rename(join(folder, '..data_tmp'), join(folder, '..data'));
      assert.equal(await seen, 'two');
      source.close();
    }));
});
