import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import type { Revisions } from '#src/compose/config/revisions/revisions.ts';
import { RevisionWatch } from '#src/compose/config/revisions/watch.ts';
import { nowMs } from '#src/lib/clock.ts';
import type { Config } from '#src/model/config.ts';
import type { Revert } from '#src/model/threads/revision.ts';
import type { Totals } from '#src/slo/totals/totals.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { type Current, Store } from '#src/snapshot/store.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

/** The clock of a test, which goes by its turns. */
class Clock {
  nowMs = nowMs();

  constructor(t: TestContext) {
    const offsetMs = this.nowMs - performance.now();
    t.mock.method(performance, 'now', () => this.nowMs - offsetMs);
  }
}

class Rig {
  readonly #clock: Clock;
  readonly #store = new Store({ file: 'f', dials: createDials(), wallTime: () => '', mayRecycle: () => false });
  readonly logged: string[] = [];
  readonly reverted: [Config, string][] = [];
  readonly watch: RevisionWatch;
  isFromSources = true;
  /** Why nothing can be reverted. */
  because = '';
  /** Configurations that were ready when it was. */
  readyThen = 0;
  readonly written: Revert[] = [];
  #finished = 0;
  #missing = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    const say = (event: string): void => void this.logged.push(event);
    const revisions = {
      revert: (config: Config, reason: string) => {
        this.reverted.push([config, reason]);
        this.readyThen = this.watch.bases.length;
        return Promise.resolve(this.because);
      },
      unwatched: () => void this.logged.push('unwatched'),
    };
    const totals = {
      of: () => ({ finished: this.#finished, bad: 0, ignored: 0, statusClasses: [0, 0, 0, 0, this.#missing, 0] }),
    };
    this.watch = new RevisionWatch({
      log: { info: say, error: say } as never,
      totals: totals as unknown as Totals,
      revisions: Object.defineProperties(revisions, {
        isFromSources: { get: () => this.isFromSources },
        current: { get: () => this.#store.current },
      }) as unknown as Revisions,
      reverted: (revert) => void this.written.push(revert),
    });
  }

  /** Puts a configuration in force; returns it. */
  accept(text: string): Current {
    const before = this.#store.current;
    const result = this.#store.offer({ ok: true, config: configOf(text), warnings: [] });
    assert.equal(result.kind, 'swapped');
    this.watch.follow(result.current, before);
    return result.current;
  }

  /** Other endpoints are found. */
  find(...ports: readonly number[]): void {
    const before = this.#store.current;
    this.#store.discoverBy(() => ports.map((port) => ({ host: '10.0.0.1', port, weight: 1 })));
    const result = this.#store.rediscover();
    assert.ok(result?.kind === 'swapped');
    this.watch.follow(result.current, before);
  }

  turns(count: number, missing: number): void {
    for (let turn = 0; turn < count; turn++) {
      this.#finished += 10;
      this.#missing += missing;
      this.#clock.nowMs += 100;
      this.watch.turn(this.#clock.nowMs);
    }
  }
}

const LOOKING = SOUND.replace('v2: {endpoints: ["127.0.0.1:7002"]}', 'v2: {endpoints: {srv: {name: shop.test}}}');
const NEXT = SOUND.replace('weight: 5}', 'weight: 6}');

suite('the watch over configurations', () => {
  test('reverts to what was before, once, with a sentence, where every answer is 404', async (t) => {
    const rig = new Rig(new Clock(t));
    const { config } = rig.accept(SOUND);
    rig.turns(300, 0);
    rig.accept(NEXT);
    rig.turns(50, 10);
    assert.equal(rig.reverted.length, 1);
    const [[base, sentence]] = rig.reverted as [[Config, string]];
    assert.equal(base, config);
    assert.match(sentence, /^route shop: \d+ of \d+ requests failed or were turned away \(4xx\) within/);
    assert.equal(rig.readyThen, 1);
    await new Promise(setImmediate);
    assert.deepEqual(rig.logged, ['config_watched', 'unwatched', 'config_reverted']);
    assert.equal(rig.watch.notReverted, null);
    const [revert] = rig.written;
    assert.deepEqual(
      [rig.written.length, revert?.kind, revert?.route, revert?.track],
      [1, 'revert', 'shop', 'refusals'],
    );
    assert.equal(revert?.sentence, sentence);
    assert.ok((revert?.certificate.turns?.length ?? 0) > 2);
  });

  test('what could not be reverted is said, as long as it is in force, and not written down as done', async (t) => {
    const rig = new Rig(new Clock(t));
    rig.because = 'a restart is under way; try again';
    rig.accept(SOUND);
    rig.turns(300, 0);
    rig.accept(NEXT);
    assert.equal(rig.watch.bases.length, 1);
    rig.turns(50, 10);
    await new Promise(setImmediate);
    assert.deepEqual(rig.logged, ['config_watched', 'unwatched', 'config_not_reverted']);
    assert.deepEqual(rig.watch.bases, []);
    const { sentence = '', because } = rig.watch.notReverted ?? {};
    assert.match(sentence, /^route shop: /);
    assert.equal(because, rig.because);
    assert.deepEqual([rig.reverted.length, rig.written.length], [1, 0]);
    rig.accept(SOUND);
    assert.equal(rig.watch.notReverted, null);
  });

  test('endpoints that were found are no revision, and no reason to forget what is watched', (t) => {
    const clock = new Clock(t);
    const rig = new Rig(clock);
    rig.accept(LOOKING);
    rig.turns(300, 0);
    rig.find(1, 2);
    rig.turns(50, 10);
    assert.deepEqual([rig.reverted, rig.logged], [[], []]);
    const other = new Rig(clock);
    const { intended } = other.accept(LOOKING);
    other.find(1);
    other.turns(300, 0);
    other.accept(LOOKING.replace('weight: 5}', 'weight: 6}'));
    other.find(2);
    other.turns(50, 10);
    assert.deepEqual(
      other.reverted.map(([base]) => base),
      [intended],
    );
    assert.deepEqual(other.reverted[0]?.[0].services[0]?.versions[1]?.endpoints, []);
  });

  test('leaves alone what a person put in force, and everything where it is off', (t) => {
    const clock = new Clock(t);
    const byHand = new Rig(clock);
    byHand.accept(SOUND);
    byHand.turns(300, 0);
    byHand.isFromSources = false;
    byHand.accept(NEXT);
    byHand.turns(50, 10);
    assert.deepEqual([byHand.reverted, byHand.logged], [[], []]);
    const off = new Rig(clock);
    off.accept(`revisions: {watch: 0s}\n${SOUND}`);
    off.turns(300, 0);
    off.accept(`revisions: {watch: 0s}\n${NEXT}`);
    off.turns(50, 10);
    assert.deepEqual([off.reverted, off.logged], [[], []]);
  });

  test('a change that treats no request differently is not watched', (t) => {
    const rig = new Rig(new Clock(t));
    rig.accept(SOUND);
    rig.turns(300, 0);
    rig.accept(`drain: {delay: 1s}\n${SOUND}`);
    rig.turns(50, 10);
    assert.deepEqual([rig.reverted, rig.logged], [[], []]);
  });
});
