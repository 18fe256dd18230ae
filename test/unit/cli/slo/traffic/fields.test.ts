import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Field, FieldError, requestOf } from '#src/cli/slo/traffic/fields.ts';
import { REASON } from '#src/model/reason.ts';

type Texts = Partial<Record<Field, string>>;

const SOUND: Texts = { time: '2026-11-01T00:00:00Z', status: '200', route: 'shop' };

function read(texts: Texts) {
  return requestOf((name) => {
    const text = texts[name];
    return text === undefined ? undefined : { text, column: 7 };
  });
}

function fault(texts: Texts): string {
  try {
    read(texts);
  } catch (error) {
    if (error instanceof FieldError) return `${error.column} ${error.message}`;
  }
  return 'none';
}

describe('a line', () => {
  it('is a request that was over when its time and its duration were', () => {
    const { endedAtMs, route, status, reason, durationMs, user, count } = read({
      ...SOUND,
      durationMs: '12.5',
      client: '::1',
    });
    assert.deepEqual([endedAtMs, durationMs], [Date.UTC(2026, 10, 1) + 12.5, 12.5]);
    assert.deepEqual([route, status, reason, user, count], ['shop', 200, REASON.none, '::1', 1]);
  });

  it('has a time with its zone, or in seconds since 1970', () => {
    const at = (time: string) => read({ ...SOUND, time }).endedAtMs;
    const expected = Date.UTC(2026, 10, 1);
    assert.deepEqual(
      [at('2026-11-01T08:00:00+08:00'), at('2026-11-01 00:00:00.000Z'), at(`${expected / 1000}`)],
      [expected, expected, expected],
    );
    assert.equal(at(`${expected / 1000}.25`), expected + 250);
    for (const time of ['2026-11-01T00:00:00', String(expected), '1. 11. 2026', '2026-13-01T00:00:00Z', '-5', '1e9'])
      assert.match(
        fault({ ...SOUND, time }),
        /^7 time: expected an ISO 8601 time with its zone, or seconds since 1970, got /,
        time,
      );
  });

  it('has a day that its month has', () => {
    assert.equal(read({ ...SOUND, time: '2028-02-29T10:00:00+08:00' }).endedAtMs, Date.UTC(2028, 1, 29, 2));
    for (const time of ['2026-02-30T10:00:00Z', '2026-02-29T23:00:00-05:00', '2026-04-31 10:00:00Z'])
      assert.match(fault({ ...SOUND, time }), /^7 time: expected an ISO 8601 time .*, got 2026-/, time);
  });

  it('has a duration of at most 1e10 ms, so that its end is a time', () => {
    const latest = { ...SOUND, time: '9999-12-31T23:59:59Z' };
    for (const most of [{ durationMs: '1e10' }, { duration: '10000000s' }]) {
      const { endedAtMs } = read({ ...latest, ...most });
      assert.equal(endedAtMs - Date.parse(latest.time), 1e10);
      assert.match(new Date(endedAtMs).toISOString(), /^\+010000-04-/);
    }
    for (const durationMs of ['10000000001', '1e11', '1e18', '1e19', '1e308', '1e999'])
      assert.equal(
        fault({ ...SOUND, durationMs }),
        `7 durationMs: expected a number of milliseconds, at most 1e10, got ${durationMs}`,
      );
    for (const duration of ['10000000001ms', '10000001s', '999999999999999s'])
      assert.equal(
        fault({ ...SOUND, duration }),
        `7 duration: expected a duration with its unit, as in 35ms or 0.2s, at most 1e10 ms, got ${duration}`,
      );
  });

  it('has a duration in ms, or with its unit', () => {
    const took = (texts: Texts) => read({ ...SOUND, ...texts }).durationMs;
    assert.deepEqual(
      [took({}), took({ durationMs: '0' }), took({ duration: '35ms' }), took({ duration: '0.2s' })],
      [null, 0, 35, 200],
    );
    assert.equal(
      fault({ ...SOUND, duration: '35' }),
      '7 duration: expected a duration with its unit, as in 35ms or 0.2s, at most 1e10 ms, got 35',
    );
    assert.match(fault({ ...SOUND, durationMs: '-1' }), /^7 durationMs: expected a number of milliseconds/);
  });

  it('without an answer has failed, unless its client went away', () => {
    const judged = (texts: Texts) => {
      const { status, reason } = read({ ...SOUND, ...texts });
      return [status, reason];
    };
    for (const status of ['0', '000', '']) assert.deepEqual(judged({ status }), [0, REASON.upstreamReset], status);
    assert.deepEqual(judged({ status: '499' }), [0, REASON.clientClosed]);
    assert.deepEqual(judged({ status: '', reason: 'client_closed' }), [0, REASON.clientClosed]);
    assert.match(fault({ ...SOUND, status: '700' }), /^7 status: expected a status from 100 to 599, or 0 .*, got 700$/);
    assert.match(fault({ ...SOUND, reason: 'none of them' }), /^7 reason: expected a reason of docs\/reasons\.md/);
  });

  it('with a fallback counts by what its user saw', () => {
    assert.equal(read({ ...SOUND, reason: 'connect_refused', fallback: 'stale' }).reason, REASON.none);
    assert.equal(read({ ...SOUND, reason: 'connect_refused', fallback: 'static', status: '503' }).status, 503);
    assert.equal(
      read({ ...SOUND, reason: 'connect_refused', fallback: 'service', status: '' }).reason,
      REASON.upstreamReset,
    );
  });

  it('stands for as many requests as its share says', () => {
    assert.equal(read({ ...SOUND, sampleRatio: '0.01' }).count, 100);
    assert.equal(read({ ...SOUND, sampleRatio: '1e-6' }).count, 1_000_000);
    for (const sampleRatio of ['0', '1.1', 'x', '0.0000009', '1e-300', '1e-999'])
      assert.equal(
        fault({ ...SOUND, sampleRatio }),
        `7 sampleRatio: expected a share from 0.000001 to 1, got ${sampleRatio}`,
      );
  });

  it('needs a time, and does not repeat much of what is wrong', () => {
    assert.match(fault({ status: '200' }), /^1 time: .*, got nothing$/);
    assert.ok(fault({ ...SOUND, status: 'x'.repeat(1000) }).length < 150);
  });
});
