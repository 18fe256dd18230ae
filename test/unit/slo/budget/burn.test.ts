/** Multi-window alerts on virtual time: when they fire, when they resolve, and that they do not flap. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ALERT_RULES,
  type AlertRule,
  type AlertState,
  type BurnWindow,
  burnRate,
  nextAlert,
  RESOLVED,
} from '#src/slo/budget/burn.ts';
import { Ring, WINDOW_MS } from '#src/slo/budget/ring.ts';

const BUDGET = 0.001;
const [FAST, SLOW, TICKET] = ALERT_RULES as readonly [AlertRule, AlertRule, AlertRule];

/** A service with steady traffic, evaluated once a second. */
class Service {
  readonly ring: Ring;
  nowMs: number;
  states = new Map<AlertRule, AlertState>(ALERT_RULES.map((rule) => [rule, RESOLVED]));

  constructor(nowMs = 5000) {
    this.nowMs = nowMs;
    this.ring = new Ring(nowMs);
  }

  /** Quick history: one count a minute. */
  past(durationMs: number, perSecond: number, errorRatio = 0): void {
    for (let passedMs = 0; passedMs < durationMs; passedMs += 60_000) {
      this.ring.add(this.nowMs, Math.round(60 * perSecond * (1 - errorRatio)), Math.round(60 * perSecond * errorRatio));
      this.nowMs += 60_000;
    }
  }

  second(good: number, bad: number): void {
    this.ring.add(this.nowMs, good, bad);
    const reading = { counts: (window: BurnWindow) => this.ring.counts(window), budgetRatio: BUDGET };
    for (const [rule, state] of this.states) this.states.set(rule, nextAlert(state, rule, reading, this.nowMs));
    this.nowMs += 1000;
  }

  isFiring(rule: AlertRule): boolean {
    return this.states.get(rule)?.kind === 'firing';
  }

  /** Seconds of this until the alert is in that state. */
  until(rule: AlertRule, isFiring: boolean, [good, bad]: readonly [number, number]): number {
    for (let seconds = 1; seconds < 100_000; seconds++) {
      this.second(good, bad);
      if (this.isFiring(rule) === isFiring) return seconds;
    }
    return Number.POSITIVE_INFINITY;
  }
}

function near(got: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(got - expected) <= tolerance, `${got}, not ${expected} +- ${tolerance}`);
}

describe('alerts', () => {
  it('are those of the workbook, and each short window is a twelfth of the long one', () => {
    assert.deepEqual(
      ALERT_RULES.map(({ severity, factor }) => [severity, factor]),
      [
        ['page', 14.4],
        ['page', 6],
        ['ticket', 1],
      ],
    );
    for (const { long, short } of ALERT_RULES) assert.equal(WINDOW_MS[short] * 12, WINDOW_MS[long]);
  });

  for (const startMs of [0, 5000, 33_333, 59_999]) {
    it(`page a full outage in 52 +- 10 s, whenever it begins (${startMs})`, () => {
      const service = new Service(startMs);
      service.past(7 * 3_600_000, 1000);
      near(service.until(FAST, true, [0, 1000]), 52, 10);
    });
  }

  it('page an outage of a tenth after 518 s', () => {
    const service = new Service();
    service.past(7 * 3_600_000, 1000);
    near(service.until(FAST, true, [900, 100]), 518, 15);
  });

  it('page by the longer pair after 130 s of outage, and make a ticket after 259 s', () => {
    const service = new Service();
    service.past(73 * 3_600_000, 1000);
    near(service.until(SLOW, true, [0, 1000]), 130, 10);
    near(service.until(TICKET, true, [0, 1000]) + 130, 259, 15);
  });

  it('do not fire at a burn of 1, nor at rest', () => {
    const service = new Service();
    service.past(73 * 3_600_000, 1000, 0.001);
    for (let n = 0; n < 60; n++) service.second(999, 1);
    for (const rule of ALERT_RULES) assert.equal(service.isFiring(rule), false);
  });

  it('resolve when the short window is good again, within its length', () => {
    const service = new Service();
    service.past(7 * 3_600_000, 1000);
    service.until(FAST, true, [0, 1000]);
    const seconds = service.until(FAST, false, [1000, 0]);
    assert.ok(seconds > 60 && seconds <= 300, String(seconds));
  });

  it('resolve when nothing is counted any more', () => {
    const service = new Service();
    service.past(7 * 3_600_000, 1000);
    service.until(FAST, true, [0, 1000]);
    near(service.until(FAST, false, [0, 0]), 300, 11);
  });

  it('stay as they are while the burn hovers at the threshold', () => {
    const service = new Service();
    service.past(3_600_000, 1000, 0.015);
    let changes = 0;
    let wasFiring = false;
    for (let n = 0; n < 3600; n++) {
      // 13.4 and 15.4 times the budget in turn, half a minute each.
      service.second(1000 - 14, Math.floor(n / 30) % 2 === 0 ? 13 : 15);
      if (service.isFiring(FAST) !== wasFiring) changes += 1;
      wasFiring = service.isFiring(FAST);
    }
    assert.equal(changes, 1);
  });

  it('of few requests wait for a count that is no chance', () => {
    const service = new Service();
    // 10 an hour: one failure is a burn of 100.
    for (let n = 0; n < 8; n++) service.second(1, 0);
    service.second(0, 1);
    for (const rule of ALERT_RULES) assert.equal(service.isFiring(rule), false);
    service.second(0, 1);
    assert.equal(service.isFiring(FAST), true);
  });

  it('keep the instant at which they began', () => {
    const service = new Service();
    service.past(7 * 3_600_000, 1000);
    service.until(FAST, true, [0, 1000]);
    const began = service.states.get(FAST);
    service.second(0, 1000);
    assert.equal(service.states.get(FAST), began);
  });
});

describe('a burn rate', () => {
  it('is the share of failures in budgets', () => {
    assert.equal(burnRate({ good: 999, bad: 1 }, 0.001), 1);
    assert.equal(burnRate({ good: 0, bad: 5 }, 0.5), 2);
    assert.equal(burnRate({ good: 5, bad: 0 }, 0.5), 0);
  });

  it('of nothing is not known', () => {
    assert.equal(burnRate({ good: 0, bad: 0 }, 0.001), null);
  });
});
