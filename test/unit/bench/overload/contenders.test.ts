import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { parseConfig } from '#src/sources/parse.ts';
import { CONTENDER, type ContenderName } from '../../../../bench/overload/contenders.ts';
import { MAIN } from '../../../support/simulate/load/shapes.ts';

/** The configuration that a contender gets. */
function configOf(t: TestContext, name: ContenderName): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-contender-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const place = {
    folder,
    port: 20_001,
    adminPort: 20_002,
    upstreamPort: 20_003,
    shape: MAIN,
    binary: (it: string) => it,
  };
  const command = CONTENDER[name].prepare(place);
  return readFileSync(command.at(-1) as string, 'utf8');
}

for (const [name, limit] of [
  ['none', 'off'],
  ['fixed', 40],
  ['sluice', 'auto'],
] as const) {
  it(`${name} is Sluice with the limit ${limit}, and its configuration is valid`, (t) => {
    const result = parseConfig(configOf(t, name), 'sluice.yaml');
    assert.ok(result.ok, JSON.stringify(result));
    assert.match(configOf(t, name), new RegExp(`limit: ${limit} `));
  });
}

it('HAProxy gets twice the servers as its limit, and the priorities only where it is to know them', (t) => {
  assert.match(configOf(t, 'haproxy'), /server one 127\.0\.0\.1:20003 maxconn 40\n/);
  assert.doesNotMatch(configOf(t, 'haproxy'), /priority/);
  assert.equal(configOf(t, 'haproxy-classes').match(/set-priority-class int\([0-3]\)/g)?.length, 4);
});
