/** What README, the pages and the guides show of the output of commands is what they print. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { assertShown, shownIn, shownOf } from '../../support/runner/shown.ts';

const MAIN = join(import.meta.dirname, '../../../src/main.ts');
/** Blocks that other tests compare, as they have what the command is about. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'README.md: npm run demo -- --once': 'test/integration/demo.test.ts',
  'README.md: sluice why checkout': 'test/integration/demo.test.ts',
  'docs/guides/canary.md: sluice status': 'test/integration/clients/guides.test.ts',
  'docs/guides/canary.md: sluice why checkout': 'test/integration/clients/guides.test.ts',
  'docs/routing.md: sluice diff shop': 'test/unit/cli/live/diff.test.ts',
};

/** The default ramp of a route that is promised 99.9 %. */
const RAMP = `
listen: 127.0.0.1:8080
services:
  checkout: {versions: {v1: {endpoints: ["127.0.0.1:7001"]}, v2: {endpoints: ["127.0.0.1:7002"]}}}
routes:
  - name: checkout
    sticky: {header: x-user-id}
    slo: {availability: 0.999}
    backendRefs: [{name: checkout, version: v1, weight: 100}, {name: checkout, version: v2, weight: 0}]
    rollout: {stable: v1, canary: v2, steps: default}
`;

/** Every output that a page shows, with the document that it is about. */
const BLOCKS: readonly { readonly page: string; readonly command: string; readonly document: string }[] = [
  {
    page: 'docs/rollouts.md',
    command: 'sluice plan --config gateway.yaml --rps 1000 --errors 0.001',
    document: RAMP,
  },
  {
    page: 'docs/rollouts.md',
    command: 'sluice simulate --config gateway.yaml --rps 1000 --canary-errors 0.05',
    document: RAMP,
  },
  {
    page: 'docs/problems.md',
    command: 'sluice config validate gateway.yaml',
    document: RAMP.replace('availability: 0.999', 'availability: 99.9'),
  },
];

function printed(t: TestContext, command: string, document: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-outputs-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'gateway.yaml'), document);
  const [program, ...args] = command.split(' ');
  assert.equal(program, 'sluice');
  const { stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: 'utf8' });
  return stdout + stderr;
}

describe('the output that a page shows', { timeout: 540_000 }, () => {
  it('is compared, wherever there is some', () => {
    const compared = [...BLOCKS.map(({ page, command }) => `${page}: ${command}`), ...Object.keys(ELSEWHERE)];
    assert.deepEqual(
      shownIn()
        .map(({ page, command }) => `${page}: ${command}`)
        .toSorted(),
      compared.toSorted(),
    );
  });

  for (const { page, command, document } of BLOCKS) {
    // Nothing is measured, and histories have their seeds: every run prints the same.
    it(`is what the command prints: ${page}: ${command}`, (t) => {
      assertShown(shownOf(page, command), printed(t, command, document), (line) => line.trimEnd());
    });
  }
});
