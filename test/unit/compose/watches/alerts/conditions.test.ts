import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  conditionsOf,
  EXPIRES_MS,
  PROMOTED_MS,
  type Readings,
  type RolloutReading,
  STALE_MS,
} from '#src/compose/watches/alerts/conditions.ts';
import type { RolloutState } from '#src/model/rollout.ts';
import { sampleDecision } from '../../../../support/readings/status.ts';

const FINE: Readings = {
  nowMs: 10 * PROMOTED_MS,
  gateway: 'gw-1',
  fleet: 'edge',
  objectives: { found: [], unsaid: 0 },
  missed: () => null,
  rollouts: [],
  config: { at: '', result: 'accepted', problems: [] },
  revisions: { pin: null, notReverted: null, staleStart: null },
  drifts: new Map([['shop/shop/v1', { kind: 'mild', sentence: 'a little' }]]),
  down: new Set(),
  sources: [{ name: 'consul', staleMs: STALE_MS * 10, failures: 0, lastError: '' }],
  saturation: { grade: 'shedding', because: 'heap' },
  tls: { listeners: [], upstreamsFailed: [] },
  state: { kind: 'memory', directory: null, because: '' },
};

/** What a reading comes to, one line each. */
function told(changes: Partial<Readings>): string[] {
  return conditionsOf({ ...FINE, ...changes }).map(({ severity, kind, key, sentence }) => {
    return `${severity} ${kind} [${key}] ${sentence}`;
  });
}

function rolloutOf(state: RolloutState, changes: Partial<RolloutReading> = {}): Readings['rollouts'] {
  const reading = { route: 'shop', service: 'cart', canary: 'v2', generation: 'g1', decision: null } as const;
  return [{ ...reading, state, role: 'leader', ...changes }];
}

suite('conditions', () => {
  test('nothing is wrong with a gateway that is well', () => {
    assert.deepEqual(told({}), []);
  });

  test('objectives that burn or are spent', () => {
    const about = { scope: 'route', name: 'shop', indicator: 'availability' } as const;
    const found = [
      { ...about, kind: 'burn', severity: 'page', key: 'route/shop/availability 1h', sentence: 'burns' },
      {
        ...about,
        scope: 'service',
        kind: 'budget',
        severity: 'ticket',
        key: 'service/shop/availability',
        sentence: 'spent',
      },
    ] as const;
    const objectives = { found, unsaid: 0 };
    assert.deepEqual(told({ objectives }), [
      'page burn [gw-1 burn route/shop/availability 1h page] burns',
      'ticket budget [gw-1 budget service/shop/availability ticket] spent',
    ]);
    const [burn, budget] = conditionsOf({ ...FINE, objectives });
    assert.deepEqual([burn?.route, burn?.service, budget?.route, budget?.service], ['shop', '', '', 'shop']);
    assert.deepEqual(told({ objectives: { found, unsaid: 7 } }).slice(2), [
      'page burn [gw-1 burn of many] more than 2 alerts of objectives: those beyond are not told one by one',
    ]);
  });

  test('an objective of a route names requests that missed it', () => {
    const sample = { version: 'v1', at: '', latencyMs: 1, status: 200, reason: 'none' };
    const [bad, slow] = [['b1', 'b2', 'b3'], ['s1']].map((ids) => ids.map((requestId) => ({ ...sample, requestId })));
    const missed = (route: string) => ({ route, bad: bad ?? [], slow: slow ?? [] });
    const saidOf = (indicator: 'availability' | 'latency', scope: 'route' | 'service') => {
      const trouble = { kind: 'burn', severity: 'page', key: 'k', sentence: 'burns', name: 'shop' } as const;
      return conditionsOf({ ...FINE, missed, objectives: { found: [{ ...trouble, indicator, scope }], unsaid: 0 } })[0];
    };
    assert.equal(saidOf('availability', 'route')?.sentence, 'burns; requests b1, b2');
    assert.equal(saidOf('latency', 'route')?.sentence, 'burns; requests s1, b1');
    assert.equal(saidOf('latency', 'service')?.sentence, 'burns');
  });

  test('a canary that is rolled back, with what it was rolled back for', () => {
    const decision = { ...sampleDecision(), sentence: '12 of 200 failed' };
    const state = { kind: 'rolled-back', sinceMs: 0, by: 'evidence' } as const;
    assert.deepEqual(told({ rollouts: rolloutOf(state, { decision }) }), [
      'ticket rollout [edge rollout shop g1 rolled back] 12 of 200 failed',
    ]);
    assert.match(told({ rollouts: rolloutOf(state) })[0] ?? '', /shop: v2 was rolled back$/);
  });

  test('a rollout that waits for a person, but not one that a person paused', () => {
    const paused = { kind: 'paused', step: 0, sinceMs: 0, pausedAtMs: 0, because: 'the budget is spent' } as const;
    assert.deepEqual(told({ rollouts: rolloutOf({ ...paused, by: 'budget' }) }), [
      'ticket rollout [edge rollout shop g1 paused] shop: the rollout of v2 waits for a person: the budget is spent',
    ]);
    assert.deepEqual(told({ rollouts: rolloutOf({ ...paused, by: 'person' }) }), []);
    assert.deepEqual(told({ rollouts: rolloutOf({ kind: 'idle' }) }), []);
  });

  test('a promotion is news for a while', () => {
    const { nowMs } = FINE;
    const fresh = { kind: 'succeeded', step: 4, sinceMs: nowMs - PROMOTED_MS + 1 } as const;
    assert.deepEqual(told({ rollouts: rolloutOf(fresh) }), [
      'info rollout [edge rollout shop g1 promoted] shop: v2 was promoted: it has all traffic',
    ]);
    assert.deepEqual(told({ rollouts: rolloutOf({ ...fresh, sinceMs: nowMs - PROMOTED_MS }) }), []);
  });

  test('a follower leaves rollouts to their leader; a gateway that is alone tells of them itself', () => {
    const state = { kind: 'rolled-back', sinceMs: 0, by: 'evidence' } as const;
    const elsewhere = (role: RolloutReading['role']) =>
      conditionsOf({ ...FINE, rollouts: rolloutOf(state, { role }) }).map(({ isElsewhere }) => isElsewhere);
    assert.deepEqual([elsewhere('leader'), elsewhere('follower'), elsewhere('alone')], [[false], [true], [false]]);
  });

  test('a configuration that was refused, taken back, or could not be', () => {
    const problem = {
      code: 'SLU1020',
      file: 'a.yaml',
      line: 3,
      column: 1,
      path: 'x',
      expected: 'y',
      got: 'z',
      hint: '',
    };
    const refused = { at: '', result: 'refused', problems: [problem, problem] } as const;
    assert.match(
      told({ config: refused })[0] ?? '',
      /^ticket configuration \[gw-1 configuration refused\] .* stays: 2 problem\(s\), first a\.yaml:3:1/,
    );
    assert.match(told({ config: { ...refused, problems: [] } })[0] ?? '', /it could not be read$/);
    const pin = { from: 'ab', to: 7, hash: 'cd', at: '', reason: 'shop failed' };
    assert.deepEqual(told({ revisions: { pin: { ...pin, by: 'sluice' }, notReverted: null, staleStart: null } }), [
      'ticket configuration [gw-1 configuration reverted ab] the configuration was reverted to revision 7: shop failed',
    ]);
    assert.deepEqual(told({ revisions: { pin: { ...pin, by: 'api' }, notReverted: null, staleStart: null } }), []);
    const staleStart = {
      ...{ number: 7, hash: 'a', acceptedAt: '', acceptedMs: 9, confirmedMs: 8, passedOver: '' },
      ...{ confirmedAt: '2026-01-01T00:00:00.000Z', unanswered: ['consul'] },
    };
    assert.deepEqual(told({ revisions: { pin: null, notReverted: null, staleStart } }), [
      'ticket configuration [gw-1 configuration stale] started with revision 7, which the sources confirmed last at ' +
        '2026-01-01T00:00:00.000Z, as they did not answer',
    ]);
    const notReverted = { at: '', sentence: 'shop fails', because: 'no base' };
    assert.deepEqual(told({ revisions: { pin: null, notReverted, staleStart: null } }), [
      'page configuration [gw-1 configuration not reverted] the configuration in force could not be reverted (no base): shop fails',
    ]);
  });

  test('versions that are offline or down', () => {
    const drifts = new Map([['shop/cart/v1', { kind: 'offline', sentence: 'it drifted' } as const]]);
    assert.deepEqual(told({ drifts, down: new Set(['cart/v2']) }), [
      'page version [gw-1 version offline shop/cart/v1] it drifted',
      'ticket version [gw-1 version down cart/v2] cart/v2: none of its endpoints passes its health check',
    ]);
  });

  test('a source that fails for long, a process that refuses, a state that cannot be written', () => {
    const source = { name: 'consul', staleMs: STALE_MS, failures: 3, lastError: 'timeout' };
    const sources = [source, { ...source, staleMs: STALE_MS - 1 }];
    const state = { kind: 'unavailable', directory: '/var/lib/sluice', because: 'disk full' } as const;
    assert.deepEqual(told({ sources, saturation: { grade: 'refusing', because: 'heap 96 %' }, state }), [
      'ticket source [gw-1 source consul] source consul has confirmed nothing for 60 s: timeout',
      'page saturation [gw-1 saturation] gw-1 refuses connections: heap 96 %',
      'ticket state [gw-1 state] the state in /var/lib/sluice cannot be written, and is in memory only: disk full',
    ]);
  });

  test('certificates that cannot be used, or soon not any more', () => {
    const certificate = { names: ['a.test', 'b.test'], notAfter: '', expiresInMs: EXPIRES_MS, staple: null };
    const listener = { address: ':443', state: 'serving', because: '', clientAuth: 'off' } as const;
    const tls = (changes: object, expiresInMs = EXPIRES_MS) => ({
      listeners: [{ ...listener, certificates: [{ ...certificate, expiresInMs }], ...changes }],
      upstreamsFailed: [],
    });
    assert.deepEqual(told({ tls: tls({}) }), []);
    assert.deepEqual(told({ tls: tls({}, 7_200_000) }), [
      'ticket certificate [gw-1 certificate :443 expires] listener :443: the certificate of a.test, b.test expires in 2 h',
    ]);
    assert.match(told({ tls: tls({}, -1) })[0] ?? '', /has expired$/);
    const staples = ['', 'one that expired at noon'].map((because) => ({ nextUpdate: null, because }));
    const stapled = staples.map((staple) => ({ ...certificate, expiresInMs: EXPIRES_MS, staple }));
    assert.deepEqual(told({ tls: tls({ certificates: stapled.slice(0, 1) }) }), []);
    assert.deepEqual(told({ tls: tls({ certificates: stapled }) }), [
      'ticket certificate [gw-1 certificate :443 ocsp] listener :443: no OCSP response is stapled for a.test, b.test, but there is one that expired at noon',
    ]);
    assert.match(told({ tls: tls({ state: 'kept', because: 'no PEM' }) })[0] ?? '', /^ticket .* is used: no PEM$/);
    assert.match(told({ tls: tls({ state: 'shut', because: 'no PEM' }) })[0] ?? '', /^page .* can connect: no PEM$/);
    assert.deepEqual(told({ tls: { listeners: [], upstreamsFailed: ['shop: no such file'] } }), [
      'ticket certificate [gw-1 certificate shop: no such file] shop: no such file',
    ]);
  });
});
