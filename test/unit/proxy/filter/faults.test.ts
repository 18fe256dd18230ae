/** Whom a fault meets, and for how long it holds. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { beginTurn } from '#src/lib/clock.ts';
import { Random } from '#src/lib/random.ts';
import { DELAY_MS_MAX, type FaultConfig, type FaultMatch } from '#src/model/threads/faults.ts';
import { decide } from '#src/proxy/decide/decide.ts';
import { delayMsOf, faultOf, linkFaults } from '#src/proxy/filter/faults.ts';
import { bench, exchangeOn, get, peerOf, readHead, TWO_VERSIONS } from '../../../support/proxy/parts.ts';

function faultFor(match: Partial<FaultMatch> = {}, change: Partial<FaultConfig> = {}): FaultConfig {
  const times = { fromMs: 0, untilMs: 1 };
  const id = `route0/${change.id ?? 'f'}`;
  const everybody = { version: null, color: null, header: null };
  return { ratio: 1, delay: null, abortStatus: 503, ...times, ...change, id, match: { ...everybody, ...match } };
}

/** The fault that meets a request, by its id; `active` in ms from now on. */
function met(faults: readonly FaultConfig[], lines = '', active = 1000): string | null {
  const on = bench({ routes: [{ ...TWO_VERSIONS, filters: { faults } }] });
  const nowMs = beginTurn();
  on.lane.faults = new Map(faults.map(({ id }) => [id, nowMs + active]));
  const x = exchangeOn(on);
  decide(x, readHead(on.table, get('/', lines)), peerOf(true), new Random(1));
  return faultOf(x, x.route?.filters?.faults ?? [])?.id ?? null;
}

describe('a fault', () => {
  it('meets whom it matches: version, color and header', () => {
    assert.equal(met([faultFor()]), 'route0/f');
    assert.equal(met([faultFor({ version: 'stable' })]), 'route0/f');
    assert.equal(met([faultFor({ version: 'canary' })]), null);
    assert.equal(met([faultFor({ version: 'canary' })], 'x-release-stage: blue\r\n'), 'route0/f');
    assert.equal(met([faultFor({ color: 'blue' })], 'x-release-stage: blue\r\n'), 'route0/f');
    assert.equal(met([faultFor({ color: 'blue' })]), null);
    const header = { name: 'x-game', value: 'day' };
    assert.equal(met([faultFor({ header })], 'X-Game: day\r\n'), 'route0/f');
    assert.equal(met([faultFor({ header })], 'X-Game: days\r\n'), null);
    assert.equal(met([faultFor({ header })]), null);
  });

  it('meets nobody before it is said to be on, nor after its end', () => {
    assert.equal(met([faultFor()], '', 0), null);
    const on = bench({ routes: [{ ...TWO_VERSIONS, filters: { faults: [faultFor()] } }] });
    const x = exchangeOn(on);
    decide(x, readHead(on.table, get('/')), peerOf(), new Random(1));
    assert.equal(faultOf(x, x.route?.filters?.faults ?? []), null);
  });

  it('that matches first decides, also that nothing happens', () => {
    assert.equal(met([faultFor({ version: 'canary' }), faultFor({}, { id: 'g' })]), 'route0/g');
    assert.equal(met([faultFor({}, { ratio: 0 }), faultFor({}, { id: 'g' })]), null);
  });

  it('that there is not costs a route nothing', () => {
    const { table } = bench();
    assert.equal(linkFaults(undefined, table.names), null);
  });
});

describe('the delay of a fault', () => {
  it('is as long as it says, or so long in the mean and never endless', () => {
    const random = new Random(7);
    assert.equal(delayMsOf(null, random), 0);
    assert.equal(delayMsOf({ ms: 200, distribution: 'fixed' }, random), 200);
    const delays = Array.from({ length: 20_000 }, () => delayMsOf({ ms: 200, distribution: 'exponential' }, random));
    const mean = delays.map((ms) => ms / delays.length).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(mean - 200) < 8, `${mean}`);
    assert.ok(delays.every((ms) => Number.isInteger(ms) && ms <= DELAY_MS_MAX));
    const long = Array.from({ length: 1000 }, () =>
      delayMsOf({ ms: DELAY_MS_MAX, distribution: 'exponential' }, random),
    );
    assert.equal(Math.max(...long), DELAY_MS_MAX);
  });
});
