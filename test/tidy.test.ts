/**
 * The repository keeps the house rules; `test/support/tidy/rules.test.ts` shows that each rule bites.
 */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Finding, formatFinding, readRepository } from './support/tidy/files.ts';
import { RULES } from './support/tidy/rules.ts';

const root = join(import.meta.dirname, '..');

describe('the repository', () => {
  const files = readRepository(root);

  test('is read whole', () => {
    const paths = new Set(files.map(({ path }) => path));
    for (const path of ['package.json', 'test/tidy.test.ts', 'src/state/store.ts']) assert.ok(paths.has(path), path);
    assert.ok(![...paths].some((path) => path.startsWith('node_modules/')));
  });

  for (const [sentence, rule] of RULES) {
    test(sentence, () => {
      assertNone(rule(files));
    });
  }
});

function assertNone(findings: readonly Finding[]): void {
  if (findings.length > 0) assert.fail(`\n${findings.map(formatFinding).join('\n')}\n`);
}
