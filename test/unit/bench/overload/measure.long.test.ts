import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { ticksPerSecond } from '../../../../bench/macro/accounts/processes.ts';
import { Children } from '../../../../bench/macro/children.ts';
import { measure } from '../../../../bench/overload/measure.ts';
import { smokeEntries } from '../../../../bench/overload/scenarios.ts';

it('measures a real gateway before a real upstream, and ends both', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-measure-'));
  const children = new Children();
  t.after(async () => {
    await children.stopAll();
    rmSync(folder, { recursive: true });
  });
  const [entry] = smokeEntries(['fixed']).entries;
  assert.ok(entry !== undefined);
  const session = {
    folder,
    children,
    binary: (name: string) => name,
    cores: { gateway: [], load: [] },
    signal: new AbortController().signal,
    ticksPerSecond: ticksPerSecond(),
  };
  const sample = await measure(session, 'fixed', entry.scenario, 1);
  assert.ok(sample.presentMax >= 1);
  assert.ok(sample.amplification > 0 && sample.amplification <= 1, `${sample.amplification}`);
  assert.ok(sample.cpuRatio > 0);
  assert.equal(sample.goodputBySecond.length, 1);
});
