/** What a status says for a version, and what it says against it. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  endpointsOutcome,
  gatewayOutcome,
  objectivesAbout,
  sliOutcome,
  snapshotOf,
  versionOutcome,
} from '#src/cli/check/judge.ts';
import type { EndpointStatus, RouteStatus } from '#src/model/status.ts';
import { sampleRoute, sampleSlo, sampleStatus, sampleVersion } from '../../../support/readings/status.ts';

const ROUTE = sampleRoute();
const WATCHED = sampleRoute({
  rollout: { ...(ROUTE.rollout as NonNullable<typeof ROUTE.rollout>), state: 'progressing' },
});
const STATUS = sampleStatus({ routes: [WATCHED] });
const WISH = { route: 'checkout', service: null, version: null };
const CALM = sampleSlo({ alerts: [] });

function endpoint(changes: Partial<EndpointStatus>): EndpointStatus {
  const counts = { inFlight: 0, connections: 0, requests: 0, bad: 0, connectFailures: 0, panics: 0 };
  return {
    address: '10.0.0.1:80',
    ...counts,
    state: 'up',
    capacityRatio: 1,
    because: '',
    ...changes,
  } as EndpointStatus;
}

describe('the gateway', () => {
  it('must be ready', () => {
    assert.equal(gatewayOutcome(sampleStatus({ ready: true }), ['[+]workers ok']).isOk, true);
    const drained = gatewayOutcome(sampleStatus({ ready: false, notReadyBecause: 'draining' }), ['[-]ready failed']);
    assert.deepEqual(drained, { isOk: false, sentence: 'it is not ready: draining', facts: ['[-]ready failed'] });
  });

  it('must have taken the newest configuration', () => {
    const { config } = STATUS;
    const problem = {
      code: 'SLU1001',
      file: 'gateway.yaml',
      line: 2,
      column: 1,
      path: 'routes',
      expected: 'a list',
      got: 'a text',
      hint: '',
    };
    const last = { ...config.last, result: 'refused' as const, problems: [problem] };
    const { isOk, sentence } = gatewayOutcome(sampleStatus({ ready: true, config: { ...config, last } }), []);
    assert.equal(isOk, false);
    assert.match(sentence, /^it refused the newest configuration: .*gateway\.yaml:2:1/);
  });
});

describe('the version', () => {
  it('is the canary, unless another one is named', () => {
    for (const [wish, version] of [
      [WISH, 'v2'],
      [{ ...WISH, version: 'v1' }, 'v1'],
      [{ ...WISH, service: 'checkout', version: 'v1' }, 'v1'],
    ] as const) {
      const outcome = versionOutcome(STATUS, wish);
      assert.ok(outcome.isOk, outcome.sentence);
      assert.equal(outcome.value.version.version, version);
    }
  });

  it('is not found without its route, its name or a rollout', () => {
    const noRollout = sampleStatus({ routes: [sampleRoute({ rollout: null })] });
    for (const [status, wish, why] of [
      [STATUS, { ...WISH, route: 'chekcout' }, 'there is no route chekcout (did you mean checkout?)'],
      [STATUS, { ...WISH, version: 'v3' }, 'route checkout has no version v3'],
      [STATUS, { ...WISH, service: 'basket', version: 'v1' }, 'route checkout has no version v1'],
      [noRollout, WISH, 'route checkout has no rollout that names a canary: say --version'],
    ] as const) {
      const { isOk, sentence } = versionOutcome(status, wish);
      assert.equal(isOk, false);
      assert.ok(sentence.startsWith(why), sentence);
    }
  });

  it('is one, not one of several services', () => {
    const versions = [sampleVersion(), sampleVersion({ service: 'basket' })];
    const status = sampleStatus({ routes: [sampleRoute({ versions })] });
    const { isOk, sentence } = versionOutcome(status, { ...WISH, version: 'v1' });
    assert.deepEqual([isOk, sentence], [false, '2 services of route checkout have a version v1: say --service']);
    assert.equal(versionOutcome(status, { ...WISH, service: 'basket', version: 'v1' }).isOk, true);
  });

  it('is the canary of the rollout that lists the route, and is out with it', () => {
    const leading = (rollout: RouteStatus['rollout']): RouteStatus => sampleRoute({ name: 'leading', rollout });
    const route = sampleRoute({ rollout: null });
    const { rollout } = ROUTE as { rollout: NonNullable<RouteStatus['rollout']> };
    const going = { ...rollout, state: 'progressing', routes: ['leading', 'checkout'] } as const;
    const outcome = versionOutcome(sampleStatus({ routes: [route, leading(going)] }), WISH);
    assert.ok(outcome.isOk && outcome.value.version.version === 'v2', outcome.sentence);
    const out = versionOutcome(sampleStatus({ routes: [route, leading({ ...going, state: 'rolled-back' })] }), WISH);
    assert.match(out.sentence, /^it was rolled back/);
  });

  it('was not rolled back', () => {
    const { isOk, sentence } = versionOutcome(sampleStatus({ routes: [ROUTE] }), WISH);
    assert.equal(isOk, false);
    assert.match(sentence, /^it was rolled back: v2 rolled back: 12 bad of 200/);
  });
});

describe('its endpoints', () => {
  it('are there and up, and no breaker is open', () => {
    const up = endpoint({});
    const sick = endpoint({ address: '10.0.0.2:80', state: 'ejected', because: '9 of 10 failed' });
    const open = { open: 1, halfOpen: 0 };
    assert.equal(endpointsOutcome(sampleVersion({ endpoints: [up] })).isOk, true);
    assert.equal(endpointsOutcome(sampleVersion({ endpoints: [] })).isOk, false);
    assert.equal(endpointsOutcome(sampleVersion({ endpoints: [up], breaker: open })).isOk, false);
    assert.deepEqual(endpointsOutcome(sampleVersion({ endpoints: [up, sick] })), {
      isOk: false,
      sentence: '1 of 2 endpoints are not up',
      facts: ['10.0.0.1:80 up', '10.0.0.2:80 ejected: 9 of 10 failed'],
    });
  });

  it('may be half-open: without requests one stays so', () => {
    const tried = endpoint({ address: '10.0.0.2:80', state: 'half-open', because: 'tried again' });
    const { isOk, sentence } = endpointsOutcome(sampleVersion({ endpoints: [endpoint({}), tried] }));
    assert.deepEqual([isOk, sentence], [true, '1 of 2 are up, 1 tried out by the next requests']);
  });
});

describe('its indicators', () => {
  const snapshot = (changes: Parameters<typeof sampleVersion>[0]) =>
    snapshotOf({ route: WATCHED, version: sampleVersion({ version: 'v2', ...changes }) });

  it('are taken beside those of the other versions', () => {
    const { version, others } = snapshot({ requests: 200, bad: 12 });
    assert.deepEqual([version.version, version.requests, version.bad], ['v2', 200, 12]);
    assert.deepEqual(
      others.map(({ version: name }) => name),
      ['v1'],
    );
  });

  it('must be there, and within the limit', () => {
    assert.equal(sliOutcome(snapshot({ errorRatio: null }), [], null).isOk, false);
    assert.equal(sliOutcome(snapshot({ errorRatio: 0.06 }), [], null).isOk, true);
    assert.equal(sliOutcome(snapshot({ errorRatio: 0.06 }), [], 0.06).isOk, true);
    const { isOk, sentence } = sliOutcome(snapshot({ errorRatio: 0.06 }), [], 0.05);
    assert.deepEqual([isOk, sentence], [false, '6 % of its requests were bad, more than 5 %']);
  });

  it('count for nothing while an objective forbids a release', () => {
    assert.equal(sliOutcome(snapshot({}), [CALM], null).isOk, true);
    assert.equal(sliOutcome(snapshot({}), [sampleSlo({ alerts: [], remainingRatio: null })], null).isOk, true);
    assert.equal(sliOutcome(snapshot({}), [CALM, sampleSlo()], null).isOk, false);
    const frozen = sampleSlo({ alerts: [], policy: { kind: 'frozen', sentence: 'the budget is spent' } });
    assert.match(sliOutcome(snapshot({}), [frozen], null).sentence, /the budget is spent$/);
  });

  it('are read with the objectives of the route and of its own service alone', () => {
    const slos = [
      sampleSlo(),
      sampleSlo({ name: 'other' }),
      sampleSlo({ scope: 'service', name: 'checkout' }),
      sampleSlo({ scope: 'service', name: 'basket' }),
    ];
    const about = objectivesAbout(sampleStatus({ routes: [WATCHED], slos }), {
      route: WATCHED,
      version: sampleVersion(),
    });
    assert.deepEqual(
      about.map(({ scope, name }) => `${scope} ${name}`),
      ['route checkout', 'service checkout'],
    );
  });
});
