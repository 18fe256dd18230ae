/** The resolver: one question per name, old answers while new ones are fetched, failures for a short while. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Resolver } from '#src/proxy/wire/resolver.ts';
import { rounds } from '../../../support/proxy/wires/wires.ts';

const BELIEVE_MS = 5000;
const HOST = 'api.test';

type Answer = (code: string | null, addresses: readonly string[]) => void;

/** A resolver whose questions wait for the test's answers. */
class Rig {
  readonly asked: string[] = [];
  readonly told: string[] = [];
  readonly #answers: Answer[] = [];
  readonly resolver = new Resolver((host, done) => {
    this.asked.push(host);
    this.#answers.push(done);
  });

  /** Asks for a name; notes what is told as `first-address` or the code. */
  ask(atMs: number, host = HOST): { cancel(): void } {
    return this.resolver.resolve(host, atMs, BELIEVE_MS, (addresses, code) => this.told.push(addresses[0] ?? code));
  }

  answer(addresses: readonly string[], code: string | null = null): void {
    const done = this.#answers.shift();
    assert.ok(done !== undefined, 'nothing was asked');
    done(code, addresses);
  }
}

describe('an IP address', () => {
  it('is its own answer', () => {
    const rig = new Rig();
    rig.ask(0, '127.0.0.1');
    rig.ask(0, '::1');
    assert.deepEqual([rig.told, rig.asked], [['127.0.0.1', '::1'], []]);
  });
});

describe('a name', () => {
  it('is asked for once, however many wait', () => {
    const rig = new Rig();
    for (let i = 0; i < 1000; i++) rig.ask(i);
    assert.deepEqual([rig.asked, rig.told], [[HOST], []]);
    rig.answer(['10.0.0.1']);
    assert.deepEqual(rig.told, new Array(1000).fill('10.0.0.1'));
  });

  it('is known at once while its answer is young', () => {
    const rig = new Rig();
    rig.ask(0);
    rig.answer(['10.0.0.1']);
    rig.ask(BELIEVE_MS - 1);
    assert.deepEqual([rig.told, rig.asked.length], [['10.0.0.1', '10.0.0.1'], 1]);
  });

  it('that is old serves while it is asked for anew, once', () => {
    const rig = new Rig();
    rig.ask(0);
    rig.answer(['10.0.0.1']);
    rig.ask(BELIEVE_MS);
    rig.ask(BELIEVE_MS + 1);
    assert.deepEqual([rig.told.length, rig.asked.length], [3, 2]);
    rig.answer(['10.0.0.2']);
    rig.ask(BELIEVE_MS + 2);
    assert.deepEqual([rig.told.at(-1), rig.told.length, rig.asked.length], ['10.0.0.2', 4, 2]);
  });

  it('keeps its old addresses when it cannot be asked for anew, and tries again when they are old again', () => {
    const rig = new Rig();
    rig.ask(0);
    rig.answer(['10.0.0.1']);
    rig.ask(BELIEVE_MS);
    rig.answer([], 'EAI_AGAIN');
    rig.ask(2 * BELIEVE_MS - 1);
    assert.equal(rig.asked.length, 2);
    rig.ask(2 * BELIEVE_MS);
    assert.deepEqual([rig.asked.length, new Set(rig.told)], [3, new Set(['10.0.0.1'])]);
  });

  it('goes round over its addresses', () => {
    const rig = new Rig();
    const orders: (readonly string[])[] = [];
    for (let i = 0; i < 4; i++) rig.resolver.resolve(HOST, 0, BELIEVE_MS, (addresses) => orders.push(addresses));
    rig.answer(['a', 'b', 'c']);
    const round = ['abc', 'bca', 'cab', 'abc'];
    assert.deepEqual(
      orders.map((order) => order.join('')),
      round,
    );
  });

  it('that was forgotten is asked for again; who waits for it is still answered', () => {
    const rig = new Rig();
    rig.ask(0, 'left.test');
    rig.ask(0, 'stays.test');
    rig.resolver.retain(new Set(['stays.test']));
    rig.answer(['10.0.0.1']);
    rig.answer(['10.0.0.2']);
    rig.ask(1, 'left.test');
    rig.ask(1, 'stays.test');
    assert.deepEqual(rig.told, ['10.0.0.1', '10.0.0.2', '10.0.0.2']);
    assert.deepEqual(rig.asked, ['left.test', 'stays.test', 'left.test']);
  });
});

describe('a failure', () => {
  it('is told to all who wait, with its code', () => {
    const rig = new Rig();
    rig.ask(0);
    rig.ask(1);
    rig.answer([], 'ENOTFOUND');
    assert.deepEqual(rig.told, ['ENOTFOUND', 'ENOTFOUND']);
  });

  it('without a code is one too', () => {
    const rig = new Rig();
    rig.ask(0);
    rig.answer([]);
    assert.deepEqual(rig.told, ['ENODATA']);
  });

  it('is believed for a second, told later than within the call', async () => {
    const rig = new Rig();
    rig.ask(0);
    rig.answer([], 'ENOTFOUND');
    rig.ask(999);
    assert.equal(rig.told.length, 1);
    await rounds(2);
    assert.deepEqual([rig.told, rig.asked.length], [['ENOTFOUND', 'ENOTFOUND'], 1]);
    rig.ask(1000);
    assert.equal(rig.asked.length, 2);
    rig.ask(1001);
    rig.answer(['10.0.0.1']);
    assert.deepEqual(rig.told.slice(2), ['10.0.0.1', '10.0.0.1']);
  });

  it('that took long is not believed at all', () => {
    const rig = new Rig();
    rig.ask(0);
    rig.answer([], 'EAI_AGAIN');
    rig.ask(30_000);
    assert.equal(rig.asked.length, 2);
  });
});

describe('who gives up', () => {
  it('is not told, and the others are', () => {
    const rig = new Rig();
    const first = rig.ask(0);
    rig.ask(0);
    first.cancel();
    rig.answer(['10.0.0.1']);
    assert.deepEqual(rig.told, ['10.0.0.1']);
  });

  it('is not told of a failure that is known either', async () => {
    const rig = new Rig();
    rig.ask(0);
    rig.answer([], 'ENOTFOUND');
    rig.ask(1).cancel();
    await rounds(2);
    assert.deepEqual(rig.told, ['ENOTFOUND']);
  });

  it('because another was told is not told', () => {
    const rig = new Rig();
    const told: string[] = [];
    const waiting: { cancel(): void }[] = [];
    rig.resolver.resolve(HOST, 0, BELIEVE_MS, (_addresses, code) => {
      told.push(code);
      waiting[0]?.cancel();
    });
    waiting.push(rig.ask(0));
    rig.answer([], 'ENOTFOUND');
    assert.deepEqual([told, rig.told], [['ENOTFOUND'], []]);
  });

  it('when it is answered changes nothing', () => {
    const rig = new Rig();
    rig.ask(0, '127.0.0.1').cancel();
    const asked = rig.ask(0);
    rig.answer(['10.0.0.1']);
    asked.cancel();
    assert.deepEqual(rig.told, ['127.0.0.1', '10.0.0.1']);
  });
});

describe("the system's resolver", () => {
  it('knows this machine', async () => {
    const addresses = await new Promise<readonly string[]>((resolve) => {
      new Resolver().resolve('localhost', 0, BELIEVE_MS, resolve);
    });
    assert.ok(addresses.includes('127.0.0.1') || addresses.includes('::1'), addresses.join());
  });

  it('says why a name has no addresses', async () => {
    const code = await new Promise<string>((resolve) => {
      // No name can hold such a label: refused without asking anybody.
      new Resolver().resolve(`${'x'.repeat(64)}.invalid`, 0, BELIEVE_MS, (_addresses, why) => resolve(why));
    });
    assert.match(code, /^E[A-Z_]+$/);
  });
});
