import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ahead } from '#src/sources/stores/consul/ahead.ts';
import { VirtualTime } from '../../../../support/stores/virtual.ts';

const never = new AbortController().signal;

/** What a question comes to, and when; null: never. */
interface Answer {
  readonly atMs: number | null;
  readonly says: string | null | Error;
}

/** A look from revision 7 on whose two questions are answered so. */
function rig(search: Answer, watch: Answer) {
  const time = new VirtualTime();
  const ahead = new Ahead<string, string>();
  const asked: AbortSignal[] = [];
  const answer = async ({ atMs, says }: Answer, signal: AbortSignal): Promise<string | null> => {
    asked.push(signal);
    const aborted = new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    });
    await Promise.race([atMs === null ? aborted : time.wait(atMs), aborted]);
    if (says instanceof Error) throw says;
    return says;
  };
  ahead.begin({
    revision: '7',
    search: async (signal) => (await answer(search, signal)) as string,
    watch: (signal) => answer(watch, signal),
  });
  /** What is said of a promise now, without waiting for it. */
  const now = async <T>(promise: Promise<T>): Promise<T | string> => {
    const failed = promise.catch((error: unknown) => `failed: ${messageOf(error)}`);
    await time.pass(0);
    return Promise.race([failed, Promise.resolve('open')]);
  };
  return { time, ahead, now, asked, isAborted: () => asked.map(({ aborted }) => aborted) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const silent: Answer = { atMs: null, says: null };

describe('what is looked for ahead', () => {
  test('is taken while the watch is silent, and the watch goes on from there', async () => {
    const { time, ahead, now, asked } = rig({ atMs: 5, says: 'found' }, { atMs: 50, says: 'later' });
    await time.pass(10);
    assert.deepEqual(await ahead.take(never), { kind: 'found', found: 'found' });
    const next = ahead.goOn('7', never);
    assert.equal(await now(next), 'open');
    await time.pass(40);
    assert.equal(await next, 'later');
    assert.equal(asked.length, 2, 'nothing is asked for twice');
    assert.deepEqual([await ahead.take(never), await ahead.goOn('7', never)], [null, null]);
  });

  test('is waited for when it is taken before it is found', async () => {
    const { time, ahead, now } = rig({ atMs: 25, says: 'found' }, silent);
    await time.pass(10);
    const taken = ahead.take(never);
    assert.equal(await now(taken), 'open');
    await time.pass(15);
    assert.deepEqual(await taken, { kind: 'found', found: 'found' });
  });

  test('is void when the watch tells before it is taken, or before it is found', async () => {
    for (const [search, watch] of [
      [5, 9],
      [9, 5],
      [25, 9],
      [25, 15],
    ] as const) {
      const { time, ahead, isAborted } = rig({ atMs: search, says: 'found' }, { atMs: watch, says: 'later' });
      await time.pass(10);
      const taken = ahead.take(never);
      await time.pass(5);
      assert.deepEqual(await taken, { kind: 'void', told: 'later' }, `${search} and ${watch} ms`);
      assert.deepEqual(isAborted(), [false, false], 'the search may come to its end');
      assert.deepEqual([await ahead.take(never), await ahead.goOn('7', never)], [null, null]);
    }
  });

  test('is void when the watch fails: nobody would have told', async () => {
    const { time, ahead } = rig({ atMs: 5, says: 'found' }, { atMs: 8, says: new Error('reset') });
    await time.pass(10);
    assert.deepEqual(await ahead.take(never), { kind: 'void', told: null });
  });

  test('that fails fails whoever takes it, unless it is void', async () => {
    const failed = rig({ atMs: 5, says: new Error('odd') }, silent);
    await failed.time.pass(10);
    await assert.rejects(failed.ahead.take(never), /odd/);
    assert.deepEqual(failed.isAborted(), [true, true]);
    const both = rig({ atMs: 5, says: new Error('odd') }, { atMs: 7, says: 'later' });
    await both.time.pass(10);
    assert.deepEqual(await both.ahead.take(never), { kind: 'void', told: 'later' });
  });

  test('counts although the watch was over in between; then there is none to go on', async () => {
    const { time, ahead, asked } = rig({ atMs: 25, says: 'found' }, { atMs: 15, says: null });
    const taken = ahead.take(never);
    await time.pass(25);
    assert.deepEqual(await taken, { kind: 'found', found: 'found' });
    assert.equal(await ahead.goOn('7', never), null);
    assert.equal(asked.length, 2);
  });
});

describe('the watch that goes on', () => {
  test('says that nothing changed, or fails, as any other does', async () => {
    for (const says of [null, new Error('reset')]) {
      const { time, ahead, now } = rig({ atMs: 5, says: 'found' }, { atMs: 50, says });
      await time.pass(10);
      await ahead.take(never);
      const next = ahead.goOn('7', never);
      const caught = next.catch(messageOf);
      assert.equal(await now(next), 'open');
      await time.pass(40);
      assert.equal(await caught, says === null ? 'same' : 'reset');
    }
  });

  test('is ended where another revision is gone on from', async () => {
    const { time, ahead, isAborted } = rig({ atMs: 5, says: 'overtaken' }, silent);
    await time.pass(10);
    await ahead.take(never);
    assert.equal(await ahead.goOn('8', never), null);
    assert.deepEqual(isAborted(), [true, true]);
  });

  test('ends with whoever wanted it, as the search does', async () => {
    for (const step of ['take', 'goOn'] as const) {
      const { ahead, now, isAborted } = rig(step === 'take' ? silent : { atMs: 0, says: 'found' }, silent);
      const given = new AbortController();
      if (step === 'goOn') assert.equal((await now(ahead.take(never))) === 'open', false);
      const waits = step === 'take' ? ahead.take(given.signal) : ahead.goOn('7', given.signal);
      const over = waits.then(
        () => 'over',
        () => 'over',
      );
      assert.equal(await now(over), 'open', step);
      given.abort();
      assert.equal(await now(over), 'over', step);
      assert.deepEqual(isAborted(), [true, true], step);
    }
  });

  test('ends with all that is asked, and with the look that comes next', async () => {
    const { ahead, now, isAborted } = rig(silent, silent);
    ahead.begin({ revision: '8', search: async () => 'other', watch: () => new Promise(() => undefined) });
    assert.deepEqual(isAborted(), [true, true]);
    assert.deepEqual(await now(ahead.take(never)), { kind: 'found', found: 'other' });
    ahead.end();
    ahead.end();
    assert.deepEqual([await ahead.take(never), await ahead.goOn('8', never)], [null, null]);
  });
});
