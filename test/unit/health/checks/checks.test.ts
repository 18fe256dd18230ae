/** Checks of many endpoints: begun, heard, carried over a reload, ended. */

import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Checks } from '#src/health/checks/checks.ts';
import type { Probe, ProbeTarget } from '#src/health/checks/probe.ts';
import type { CheckResult } from '#src/health/checks/verdict.ts';
import { Random } from '#src/lib/random.ts';
import type { HealthCheckConfig } from '#src/model/config.ts';
import type { EndpointPlan } from '#src/model/health.ts';
import { CHECK } from '../../../support/simulate/health.ts';

const HANGS = 'hangs';

interface Rig {
  readonly checks: Checks;
  readonly begun: ProbeTarget[];
  readonly cancelled: ProbeTarget[];
  readonly changes: number[];
  /** A second goes by; probes end with what `answer` says, HANGS = not at all. */
  readonly second: (answer: (target: ProbeTarget) => CheckResult) => Promise<void>;
}

/** @param admit throws at what cannot be begun */
function rig(admit: (target: ProbeTarget) => void = () => undefined): Rig {
  let nowMs = 0;
  const begun: ProbeTarget[] = [];
  const cancelled: ProbeTarget[] = [];
  const changes: number[] = [];
  const open: { target: ProbeTarget; end: (result: CheckResult) => void }[] = [];
  const startProbe = (target: ProbeTarget): Probe => {
    admit(target);
    begun.push(target);
    let end: (result: CheckResult) => void = () => undefined;
    const result = new Promise<CheckResult>((resolve) => {
      end = resolve;
    });
    open.push({ target, end });
    const cancel = (): void => {
      cancelled.push(target);
      end('cancelled');
    };
    return { result, cancel };
  };
  const changed = (endpoint: number): void => void changes.push(endpoint);
  const checks = new Checks({ random: new Random(1), nowMs: () => nowMs, startProbe, changed });
  const second: Rig['second'] = async (answer) => {
    for (let tick = 0; tick < 11; tick++) {
      nowMs += 100;
      checks.turn();
      for (const probe of open.splice(0)) {
        const result = answer(probe.target);
        if (result !== HANGS) probe.end(result);
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { checks, begun, cancelled, changes, second };
}

function endpoint(id: number, ...checks: HealthCheckConfig[]): EndpointPlan {
  return { id, host: `10.0.0.${id}`, port: 80, slowStartMs: 0, checks };
}

const FAILS = (): CheckResult => 'status 503';
const PASSES = (): CheckResult => null;

it('an endpoint is unhealthy after its row of failures, and healthy after its row of passes', async () => {
  const { checks, second, changes, begun } = rig();
  checks.follow([endpoint(1, CHECK), endpoint(2, CHECK)]);
  const failsAt1 = ({ host }: ProbeTarget): CheckResult => (host === '10.0.0.1' ? 'status 503' : null);
  for (let n = 0; n < 4; n++) await second(failsAt1);
  assert.match(checks.unhealthy(1) ?? '', /^[34] health checks of \/health failed, the last: status 503$/);
  assert.equal(checks.unhealthy(2), null);
  assert.ok(changes.includes(1) && !changes.includes(2));
  const { passed, failed } = checks.counts;
  assert.equal(passed + failed, begun.length);
  for (let n = 0; n < 3; n++) await second(PASSES);
  assert.equal(checks.unhealthy(1), null);
});

it('an endpoint with two checks is unhealthy while one of them fails', async () => {
  const { checks, second } = rig();
  checks.follow([endpoint(1, CHECK, { ...CHECK, path: '/deep' })]);
  for (let n = 0; n < 4; n++) await second(({ path }) => (path === '/deep' ? 'status 500' : null));
  assert.match(checks.unhealthy(1) ?? '', /\/deep failed/);
});

it('a reload that changes the timing goes on with what is known; one that changes the path starts afresh', async () => {
  const { checks, second } = rig();
  checks.follow([endpoint(1, CHECK)]);
  for (let n = 0; n < 4; n++) await second(FAILS);
  checks.follow([endpoint(1, { ...CHECK, intervalMs: 500, timeoutMs: 77 })]);
  assert.notEqual(checks.unhealthy(1), null);
  checks.follow([endpoint(1, { ...CHECK, path: '/other' })]);
  assert.equal(checks.unhealthy(1), null);
});

it('an endpoint that leaves is asked no more; what was under way is cancelled and not counted', async () => {
  const { checks, second, begun, cancelled, changes } = rig();
  checks.follow([endpoint(1, CHECK)]);
  await second(() => HANGS);
  assert.equal(begun.length, 1);
  checks.follow([]);
  assert.equal(cancelled.length, 1);
  await second(PASSES);
  await second(PASSES);
  assert.deepEqual([begun.length, changes, checks.counts.failed], [1, [], 0]);
});

it('a check that hangs does not pile up', async () => {
  const { checks, second, begun } = rig();
  checks.follow([endpoint(1, CHECK)]);
  for (let n = 0; n < 5; n++) await second(() => HANGS);
  assert.equal(begun.length, 1);
});

it('at most 64 are under way; the others are late and said to be', async () => {
  const { checks, second, begun } = rig();
  checks.follow(Array.from({ length: 100 }, (_, n) => endpoint(n, CHECK)));
  await second(() => HANGS);
  assert.deepEqual([begun.length, checks.counts.late], [64, 36]);
});

it('one that cannot be begun has failed, and holds up no other', async () => {
  const { checks, second, begun } = rig((target) => {
    if (target.port !== 80) throw Object.assign(new Error('no'), { code: 'ERR_INVALID_ARG_VALUE' });
  });
  const odd = Array.from({ length: 64 }, (_, n) => ({ ...endpoint(n, CHECK), port: 81 }));
  checks.follow([...odd, endpoint(99, CHECK)]);
  for (let n = 0; n < 4; n++) await second(PASSES);
  assert.match(checks.unhealthy(0) ?? '', /[34] health checks of \/health failed, the last: ERR_INVALID_ARG_VALUE$/);
  assert.equal(checks.unhealthy(99), null);
  assert.equal(begun.length, checks.counts.passed);
  assert.ok(begun.length >= 4, String(begun.length));
  assert.ok(checks.counts.failed >= 3 * odd.length, String(checks.counts.failed));
});

it('after the end nothing begins and nothing is heard', async () => {
  const { checks, second, begun, cancelled } = rig();
  checks.follow([endpoint(1, CHECK), endpoint(2, CHECK)]);
  await second(() => HANGS);
  checks.close();
  assert.equal(cancelled.length, 2);
  await second(FAILS);
  assert.deepEqual([begun.length, checks.counts.failed], [2, 0]);
});
