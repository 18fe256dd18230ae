/** Endpoints under care, on virtual time: ejected, returned, checked, and told. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ProbeTarget } from '#src/health/checks/probe.ts';
import { CHECK, FakeCounters, HealthRig } from '../../support/simulate/health.ts';

const FOUR = { groups: [{ ids: [1, 2, 3, 4] }] };

function serving(rig: HealthRig, ids: readonly number[], good = 20): void {
  for (const id of ids) rig.worker.did(id, { good });
}

describe('an endpoint that fails', () => {
  it('is out at the tick after its fifth failure in a row, tried when its time is up, and back after good probes', () => {
    const rig = new HealthRig();
    rig.follow(FOUR);
    rig.worker.did(2, { bad: 4 });
    rig.turn();
    assert.equal(rig.capacities.get(2), 1000);
    rig.worker.did(2, { bad: 1 });
    rig.turn();
    assert.equal(rig.capacities.get(2), 0);
    assert.deepEqual(rig.health.of(2), {
      state: 'ejected',
      capacityRatio: 0,
      because: '5 errors in a row, tried again in 10 s',
      ejections: 1,
    });
    rig.run(9900);
    assert.deepEqual([rig.stateOf(2), rig.offers.has(2)], ['ejected', false]);
    rig.run(100);
    assert.deepEqual([rig.stateOf(2), rig.capacities.get(2)], ['half-open', 0]);
    for (let n = 0; n < 3; n++) rig.probe(2, 'good');
    assert.deepEqual([rig.capacities.get(2), rig.offers.has(2)], [1000, false]);
    assert.deepEqual(
      rig.endpointChanges.map(({ address, before, after }) => [address, before, after]),
      [
        ['10.0.0.2:80', 'up', 'ejected'],
        ['10.0.0.2:80', 'ejected', 'half-open'],
        ['10.0.0.2:80', 'half-open', 'up'],
      ],
    );
  });

  it('that fails on is out longer each time', () => {
    const rig = new HealthRig();
    rig.follow(FOUR);
    let outMs = 0;
    rig.run(62_000, () => {
      serving(rig, [1, 3, 4]);
      if (rig.offers.has(2)) rig.worker.probed(2, rig.takeOffer(2), 'bad');
      if (rig.capacities.get(2) === 0) outMs += 100;
      else rig.worker.did(2, { bad: 2 });
    });
    assert.equal(rig.health.of(2).ejections, 4, '10, 20 and 30 s, and the fourth has begun');
    assert.ok(outMs > 61_000, `${outMs} ms: it was never in again`);
  });

  it('with few requests over many workers is noticed too', () => {
    const rig = new HealthRig();
    const workers = [1, 2, 3, 4, 5].map((id) => new FakeCounters(id));
    rig.regions = workers.map(({ region }) => region);
    rig.follow(FOUR);
    for (const worker of workers) {
      worker.did(3, { bad: 1 });
      rig.run(100);
    }
    assert.equal(rig.stateOf(3), 'ejected');
  });

  it('half the time is convicted by its ratio within two intervals', () => {
    const rig = new HealthRig();
    rig.follow(FOUR);
    rig.run(10_000, () => {
      serving(rig, [1, 2, 3]);
      // Failures first: never five in a row.
      rig.worker.did(4, { bad: 2, good: 2 });
    });
    assert.match(rig.health.of(4).because, /^100 of 200 attempts failed, 0 of 3000 elsewhere/);
  });

  it('comes back by slow start where there is one', () => {
    const rig = new HealthRig();
    rig.follow({ ...FOUR, slowStartMs: 20_000 });
    rig.worker.did(2, { bad: 5 });
    rig.turn();
    rig.run(10_000);
    for (let n = 0; n < 3; n++) rig.probe(2, 'good');
    assert.deepEqual([rig.stateOf(2), rig.capacities.get(2)], ['slow-start', 100]);
    rig.run(10_000);
    assert.equal(rig.capacities.get(2), 500);
    rig.run(10_000);
    assert.deepEqual([rig.stateOf(2), rig.capacities.get(2)], ['up', 1000]);
  });

  it('while it is out is not charged with what began before', () => {
    const rig = new HealthRig();
    rig.follow(FOUR);
    rig.worker.did(2, { bad: 5 });
    rig.turn();
    rig.run(5000, () => rig.worker.did(2, { bad: 1 }));
    rig.run(5000);
    rig.worker.did(2, { bad: 9 });
    for (let n = 0; n < 3; n++) rig.probe(2, 'good');
    rig.run(6000, () => serving(rig, [1, 2, 3, 4]));
    assert.deepEqual([rig.stateOf(2), rig.health.of(2).ejections], ['up', 1]);
  });
});

describe('an endpoint that is half-open', () => {
  /** Endpoint 2 of four, whose first ejection is over. */
  function halfOpen(sketch: Partial<Parameters<HealthRig['follow']>[0]> = {}): HealthRig {
    const rig = new HealthRig();
    rig.follow({ ...FOUR, ...sketch });
    rig.worker.did(2, { bad: 5 });
    rig.turn();
    rig.run(10_000);
    assert.equal(rig.stateOf(2), 'half-open');
    return rig;
  }

  it('gets one probe at a time, the next when the last has ended', () => {
    const rig = halfOpen();
    const first = rig.takeOffer(2);
    rig.run(5000);
    assert.equal(rig.offers.has(2), false, 'it is under way');
    rig.worker.probed(2, first, 'good');
    rig.run(100);
    assert.ok(rig.takeOffer(2) > first);
    assert.match(rig.health.of(2).because, /^5 errors in a row, tried again: 1 of 3 probes were good$/);
  });

  it('is back where outliers are left alone from now on, however its last probe ends', () => {
    const rig = halfOpen();
    const number = rig.takeOffer(2);
    rig.follow({ groups: [{ ids: [1, 2, 3, 4], outlier: null }] }, true);
    rig.worker.probed(2, number, 'bad');
    rig.run(100);
    assert.deepEqual([rig.stateOf(2), rig.capacities.get(2), rig.health.of(2).ejections], ['up', 1000, 1]);
    rig.run(60_000);
    assert.equal(rig.stateOf(2), 'up');
  });

  it('stays on trial while another version of it ejects still, by what that says', () => {
    const rig = halfOpen();
    const off = { version: 'v2', ids: [1, 2, 3, 4], outlier: null };
    rig.follow({ groups: [off, { ids: [1, 2, 3, 4], outlier: { probes: 1 } }] }, true);
    rig.run(100);
    assert.equal(rig.stateOf(2), 'half-open');
    rig.probe(2, 'good');
    assert.equal(rig.stateOf(2), 'up');
  });

  it('waits for a request as long as none comes', () => {
    const rig = halfOpen();
    const offered = rig.offers.get(2);
    rig.run(600_000);
    assert.deepEqual([rig.stateOf(2), rig.offers.get(2)], ['half-open', offered]);
  });

  it('is out for longer with the first bad probe', () => {
    const rig = halfOpen();
    rig.probe(2, 'good');
    rig.probe(2, 'bad');
    assert.match(rig.health.of(2).because, /^a probe of it failed, tried again in 20 s$/);
    assert.equal(rig.offers.has(2), false);
    rig.run(20_000);
    assert.equal(rig.stateOf(2), 'half-open');
  });

  it('gets another probe when nothing is heard of one, as of a worker that died', () => {
    const rig = halfOpen();
    rig.takeOffer(2);
    rig.run(10_200);
    for (let n = 0; n < 3; n++) rig.probe(2, 'good');
    assert.equal(rig.stateOf(2), 'up');
  });

  it('counts among those that are out, so that no more of its version are than may be', () => {
    const rig = halfOpen({ groups: [{ ids: [1, 2] }] });
    rig.run(1000, () => rig.worker.did(1, { bad: 5 }));
    assert.equal(rig.stateOf(1), 'up');
    assert.equal(rig.health.status.ejectionsWithheld, 1);
  });

  it('gets no probe while its health check fails, and a whole trial after that', async () => {
    const rig = halfOpen({ checks: [CHECK] });
    rig.probe(2, 'good');
    await rig.check(5000, ({ host }) => (host === '10.0.0.2' ? 'ECONNREFUSED' : null));
    assert.deepEqual([rig.stateOf(2), rig.offers.has(2)], ['unhealthy', false]);
    await rig.check(4000, () => null);
    assert.match(rig.health.of(2).because, /0 of 3 probes were good/);
  });

  it('that leaves the configuration is not offered to anybody, and its successor’s probes have other numbers', () => {
    const rig = halfOpen();
    const last = rig.offers.get(2) as number;
    rig.follow({ groups: [{ ids: [1, 3] }] }, true);
    assert.equal(rig.offers.has(2), false);
    rig.follow(FOUR, true);
    rig.worker.did(2, { bad: 5 });
    rig.turn();
    rig.run(10_000);
    assert.ok((rig.offers.get(2) as number) > last);
  });
});

describe('an endpoint that is slow', () => {
  it('is convicted by its mean against the median of its siblings', () => {
    const rig = new HealthRig();
    rig.follow(FOUR);
    rig.run(5000, () => {
      serving(rig, [1, 2, 3]);
      rig.worker.did(4, { good: 3, tookMs: 80 });
    });
    assert.match(rig.health.of(4).because, /^80 ms to the response head on average, 10 ms elsewhere/);
  });
});

describe('a shared outage', () => {
  it('takes no more than the allowed share out, and counts what it withheld', () => {
    const rig = new HealthRig();
    rig.follow(FOUR);
    rig.run(8000, () => {
      for (const id of [1, 2, 3, 4]) rig.worker.did(id, { bad: 5 });
    });
    const out = [1, 2, 3, 4].filter((id) => rig.stateOf(id) === 'ejected');
    assert.equal(out.length, 2);
    assert.equal(rig.health.status.ejectionsWithheld, 2, 'each once, however long it lasts');
    assert.deepEqual(rig.versionChanges, []);
    assert.deepEqual(rig.downs, []);
  });

  it('leaves a version of one endpoint alone', () => {
    const rig = new HealthRig();
    rig.follow({ groups: [{ ids: [1] }] });
    rig.run(1000, () => rig.worker.did(1, { bad: 5 }));
    assert.equal(rig.stateOf(1), 'up');
  });
});

describe('an endpoint of two versions', () => {
  it('is ejected only when both can spare it', () => {
    const rig = new HealthRig();
    rig.follow({
      groups: [
        { version: 'v1', ids: [1, 2, 3, 4] },
        { version: 'v2', ids: [1] },
      ],
    });
    rig.worker.did(1, { bad: 9 });
    rig.worker.did(2, { bad: 5 });
    rig.turn();
    assert.deepEqual([rig.stateOf(1), rig.stateOf(2)], ['up', 'ejected']);
    assert.equal(rig.health.status.ejectionsWithheld, 1);
  });
});

describe('a new configuration', () => {
  it('starts new endpoints slowly while the gateway serves, not at its start', () => {
    const rig = new HealthRig();
    rig.follow({ groups: [{ ids: [1] }], slowStartMs: 20_000 }, false);
    assert.equal(rig.capacities.get(1), 1000);
    rig.follow({ groups: [{ ids: [1, 2] }], slowStartMs: 20_000 }, true);
    assert.deepEqual([rig.capacities.get(1), rig.capacities.get(2)], [1000, 100], 'set before the snapshot goes out');
    rig.run(20_000);
    assert.equal(rig.capacities.get(2), 1000);
  });

  it('keeps who is out, and lets go of who left', () => {
    const rig = new HealthRig();
    rig.follow(FOUR);
    rig.worker.did(2, { bad: 5 });
    rig.turn();
    rig.follow(FOUR, true);
    assert.deepEqual([rig.stateOf(2), rig.capacities.get(2)], ['ejected', 0]);
    rig.follow({ groups: [{ ids: [1, 3] }] }, true);
    assert.deepEqual([rig.stateOf(2), rig.capacities.get(2)], ['up', 1000]);
  });

  it('that brings an endpoint does not charge it with what its slot counted before', () => {
    const rig = new HealthRig();
    rig.follow({ groups: [{ ids: [1, 3] }] });
    rig.turn();
    rig.worker.did(2, { bad: 50 });
    rig.follow(FOUR, true);
    rig.turn();
    assert.equal(rig.stateOf(2), 'up');
    rig.worker.did(2, { bad: 1 });
    rig.turn();
    assert.equal(rig.stateOf(2), 'up');
  });
});

describe('health checks', () => {
  const checked = {
    groups: [
      { version: 'v1', ids: [1, 2] },
      { version: 'v2', ids: [3] },
    ],
    checks: [CHECK],
  };
  const failsFor =
    (...hosts: string[]) =>
    ({ host }: ProbeTarget): string | null =>
      hosts.includes(host) ? 'ECONNREFUSED' : null;

  it('take an endpoint out and bring it back', async () => {
    const rig = new HealthRig();
    rig.follow(checked);
    await rig.check(5000, failsFor('10.0.0.1'));
    assert.deepEqual([rig.stateOf(1), rig.capacities.get(1)], ['unhealthy', 0]);
    assert.match(rig.health.of(1).because, /^\d health checks of \/health failed, the last: ECONNREFUSED$/);
    assert.deepEqual(rig.downs, [], 'its version has another');
    await rig.check(3500, () => null);
    assert.deepEqual([rig.stateOf(1), rig.capacities.get(1)], ['up', 1000]);
    const { passed, failed } = rig.health.status.checks;
    assert.ok(passed > 10 && failed >= 3, `${passed} and ${failed}`);
  });

  it('of all endpoints of a version make it panic and be down, until one passes', async () => {
    const rig = new HealthRig();
    rig.follow(checked);
    await rig.check(6000, failsFor('10.0.0.1', '10.0.0.2'));
    assert.deepEqual(rig.downs, [['shop/v1']]);
    assert.deepEqual([...rig.health.down], ['shop/v1']);
    assert.deepEqual(rig.versionChanges, [{ service: 'shop', version: 'v1', isPanicking: true }]);
    await rig.check(3500, failsFor('10.0.0.1'));
    assert.deepEqual(rig.downs, [['shop/v1'], []]);
    assert.equal(rig.versionChanges.at(-1)?.isPanicking, false);
  });

  it('count as out when others are to be ejected', async () => {
    const rig = new HealthRig();
    rig.follow({ ...FOUR, checks: [CHECK] });
    await rig.check(5000, failsFor('10.0.0.1', '10.0.0.2'));
    rig.worker.did(3, { bad: 5 });
    rig.turn();
    assert.deepEqual([rig.stateOf(1), rig.stateOf(2), rig.stateOf(3)], ['unhealthy', 'unhealthy', 'up']);
  });

  it('end with the gateway', async () => {
    const rig = new HealthRig();
    rig.follow(checked);
    rig.run(1100);
    assert.equal(rig.probes.length, 3);
    rig.health.close();
    assert.ok(rig.probes.every(({ isCancelled }) => isCancelled));
    rig.run(5000);
    assert.equal(rig.probes.length, 3);
  });
});

it('an endpoint nobody knows is up', () => {
  assert.deepEqual(new HealthRig().health.of(7), { state: 'up', capacityRatio: 1, because: '', ejections: 0 });
});
