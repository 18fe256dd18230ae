import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AlertEngine, RENEW_MS } from '#src/export/alerts/engine.ts';
import { ALERTS_MAX } from '#src/export/alerts/outbox.ts';
import { TAKEOVER_MS } from '#src/export/alerts/tracker.ts';
import type { AlertsConfig } from '#src/model/threads/load/alerts.ts';
import { asSaved, sampleAlerts, sampleChannel, sampleCondition, WALL_MS } from '../../../support/readings/alerts.ts';

const TICKET = sampleCondition();
const REPEAT_MS = 3_600_000;

function engineOf(changes: Partial<AlertsConfig> = {}): AlertEngine {
  const engine = new AlertEngine(() => 0.5);
  engine.follow(sampleAlerts({ groupMs: 0, ...changes }));
  return engine;
}

function at(nowMs: number) {
  return { nowMs, wallMs: WALL_MS + nowMs };
}

/** States of the alerts that a channel is sent at this moment, all messages together. */
function sent(engine: AlertEngine, nowMs: number, name = 'team'): string[] {
  const outbox = engine.outbox(name) ?? assert.fail(name);
  const states: string[] = [];
  for (let message = outbox.next(nowMs); message !== null; message = outbox.next(nowMs)) {
    states.push(...message.alerts.map(({ state }) => state), ...(message.note === null ? [] : [message.note.title]));
    outbox.settle({ kind: 'sent' }, at(nowMs));
  }
  return states;
}

suite('engine', () => {
  test('an alert is told when it begins and when it ends, and again while it goes on', () => {
    const engine = engineOf();
    engine.look([TICKET], at(0));
    assert.deepEqual(sent(engine, 0), ['firing']);
    engine.look([TICKET], at(REPEAT_MS - 1));
    assert.deepEqual(sent(engine, REPEAT_MS - 1), []);
    engine.look([TICKET], at(REPEAT_MS));
    assert.deepEqual(sent(engine, REPEAT_MS), ['firing']);
    assert.deepEqual(
      engine.active().map(({ since, route }) => [since, route]),
      [['2023-11-14T22:13:20.000Z', 'shop']],
    );
    engine.look([], at(REPEAT_MS + 1000));
    engine.look([], at(REPEAT_MS + 2000));
    assert.deepEqual(sent(engine, REPEAT_MS + 2000), ['resolved']);
    assert.deepEqual([engine.activeCount, engine.save().tracked, engine.save().toldAtMs], [0, [], {}]);
  });

  test('Alertmanager is told every minute, because alerts end there by themselves', () => {
    const engine = engineOf({ channels: [sampleChannel({ type: 'alertmanager' })] });
    engine.look([TICKET], at(0));
    assert.deepEqual(sent(engine, 0), ['firing']);
    engine.look([TICKET], at(RENEW_MS));
    assert.deepEqual(sent(engine, RENEW_MS), ['firing']);
  });

  test('Alertmanager is told every alert, however many there are at once', () => {
    const engine = engineOf({ channels: [sampleChannel({ type: 'alertmanager' })] });
    const many = Array.from({ length: ALERTS_MAX + 10 }, (_, n) => sampleCondition({ key: `k${n}` }));
    for (const nowMs of [0, RENEW_MS]) {
      engine.look(many, at(nowMs));
      assert.equal(sent(engine, nowMs).length, many.length);
    }
  });

  test('a clock that is set back does not silence anybody', () => {
    const engine = engineOf();
    engine.look([TICKET], at(0));
    sent(engine, 0);
    engine.look([TICKET], { nowMs: 1000, wallMs: WALL_MS - 3_600_000 });
    assert.deepEqual(sent(engine, 1000), ['firing']);
    engine.look([TICKET], { nowMs: 2000, wallMs: WALL_MS - 3_599_000 });
    assert.deepEqual(sent(engine, 2000), []);
  });

  test('what a channel could not be told yet is not repeated to it', () => {
    const engine = engineOf();
    engine.look([TICKET], at(0));
    for (let n = 1; n < 10; n++) engine.look([TICKET], at(n * REPEAT_MS));
    assert.equal(engine.outbox('team')?.queued, 1);
  });

  test('what lasts no time goes to people, and not where alerts begin and end', () => {
    const channels = [
      sampleChannel({ name: 'pd', type: 'pagerduty' }),
      sampleChannel({ name: 'am', type: 'alertmanager' }),
      sampleChannel({ name: 'team', type: 'slack' }),
    ];
    const engine = engineOf({ channels });
    engine.look([sampleCondition({ severity: 'info' })], at(0));
    assert.deepEqual([sent(engine, 0, 'pd'), sent(engine, 0, 'am'), sent(engine, 0, 'team')], [[], [], ['firing']]);
    engine.look([sampleCondition({ severity: 'info' })], at(10 * REPEAT_MS));
    assert.deepEqual(sent(engine, 10 * REPEAT_MS, 'team'), []);
  });

  test('rules decide who is told, and a channel that comes later hears of what goes on', () => {
    const rule = { channels: ['team'], severities: ['page'], kinds: [], routes: [], services: [] } as const;
    const engine = engineOf({ rules: [rule] });
    engine.look([TICKET], at(0));
    assert.deepEqual(sent(engine, 0), []);
    engine.follow(sampleAlerts({ groupMs: 0 }));
    engine.look([TICKET], at(1000));
    assert.deepEqual(sent(engine, 1000), ['firing']);
    assert.deepEqual(engine.follow(null), ['team']);
    assert.equal(engine.outbox('team'), null);
    engine.look([TICKET], at(2000));
  });

  test('what another gateway of the fleet told is neither told nor repeated at once when this one takes over', () => {
    const engine = engineOf();
    engine.look([{ ...TICKET, isElsewhere: true }], at(0));
    engine.look([TICKET], at(TAKEOVER_MS));
    assert.deepEqual(sent(engine, TAKEOVER_MS), []);
    engine.look([TICKET], at(TAKEOVER_MS + REPEAT_MS));
    assert.deepEqual(sent(engine, TAKEOVER_MS + REPEAT_MS), ['firing']);
    engine.look([{ ...TICKET, isElsewhere: true }], at(TAKEOVER_MS + 3 * REPEAT_MS));
    assert.deepEqual(sent(engine, TAKEOVER_MS + 3 * REPEAT_MS), [], 'the other one repeats it');
  });

  test('a new process goes on: nothing is told twice, what waited is sent, what ended is told', () => {
    const engine = engineOf({ groupMs: 10_000 });
    assert.equal(engine.takeChanged(), false);
    engine.look([TICKET, sampleCondition({ key: 'other', kind: 'state' })], at(0));
    assert.deepEqual([engine.takeChanged(), engine.takeChanged()], [true, false]);
    const [alerts, outbox] = [engine.save(), engine.outbox('team')?.save(0) ?? assert.fail()];
    const next = engineOf({ groupMs: 10_000 });
    next.recall(asSaved(alerts), WALL_MS + 5000);
    assert.equal(next.recallOutbox('team', asSaved(outbox), 5000, at(5000)), true);
    assert.equal(next.recallOutbox('nobody', outbox, 5000, at(5000)), false);
    next.look([TICKET], at(6000));
    assert.deepEqual(sent(next, 9999), []);
    assert.deepEqual(sent(next, 10_000), ['firing', 'firing']);
    next.look([TICKET], at(120_000));
    next.look([TICKET], at(121_000));
    assert.deepEqual(sent(next, 140_000), ['resolved']);
  });

  test('text goes to the channels that it is for', () => {
    const engine = engineOf();
    engine.note(['team', 'nobody'], { title: 'daily digest', lines: [] }, at(0));
    assert.deepEqual(sent(engine, 0), ['daily digest']);
    assert.equal(engine.dropped, 0);
  });
});
