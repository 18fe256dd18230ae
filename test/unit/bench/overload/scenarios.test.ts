import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entriesOf, smokeEntries } from '../../../../bench/overload/scenarios.ts';

const CHOICE = { factors: [0.8, 10], seconds: 10, rateMax: 1e9 };

test('everybody serves the first kind of service, Sluice the others too', () => {
  const { entries, left } = entriesOf(['haproxy', 'sluice'], CHOICE);
  assert.deepEqual(left, []);
  assert.deepEqual(
    entries.map(({ scenario, contenders }) => `${scenario.name}: ${contenders.join(' ')}`),
    [
      '20 servers of 50 ms at 0.8: haproxy sluice',
      '20 servers of 50 ms at 10: haproxy sluice',
      '20 servers of 50 ms, 5 s at 3: haproxy sluice',
      '100 servers of 50 ms at 0.8: sluice',
      '100 servers of 50 ms at 10: sluice',
      '5 servers of 100 ms at 0.8: sluice',
      '5 servers of 100 ms at 10: sluice',
      '20 servers of 50 ms, sigma 1.2 at 0.8: sluice',
      '20 servers of 50 ms, sigma 1.2 at 10: sluice',
      '200 servers of 20 ms, sigma 0.8 at 0.8: sluice',
      '200 servers of 20 ms, sigma 0.8 at 10: sluice',
    ],
  );
});

test('a load that this machine cannot make is left out, and named', () => {
  const { entries, left } = entriesOf(['sluice'], { ...CHOICE, rateMax: 10_000 });
  assert.deepEqual(left, ['100 servers of 50 ms at 10', '200 servers of 20 ms, sigma 0.8 at 10']);
  assert.equal(entries.length, 9);
});

test('the smoke test is one short load', () => {
  const [entry] = smokeEntries(['sluice']).entries;
  assert.equal(entry?.scenario.durationMs, 2000);
});
