import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isEngine } from '#src/cli/check/engines.ts';

const PACKAGE = readFileSync(join(import.meta.dirname, '../../../../package.json'), 'utf8');
const { engines } = JSON.parse(PACKAGE) as { engines: { node: string } };

test('each of the alternatives lets its own versions in', () => {
  const wanted = '^24.21.0 || >=26.10.0';
  for (const version of ['v24.21.0', '24.21.1', 'v24.30.0', 'v26.10.0', 'v26.11.0', 'v27.0.0', 'v30.1.2']) {
    assert.ok(isEngine(wanted, version), version);
  }
  for (const version of ['v22.30.0', 'v24.20.9', 'v25.0.0', 'v25.99.0', 'v26.9.9', 'v26.10.0-nightly', 'v20', 'x']) {
    assert.ok(!isEngine(wanted, version), version);
  }
  assert.ok(isEngine(wanted, 'v27.0.0-nightly2026010100aa'));
});

test('what the package asks for can be read, and the Node that runs this test is of it', () => {
  assert.ok(isEngine(engines.node, process.version));
});

test('a range of another form is a mistake, not a pass', () => {
  for (const wanted of ['>=24', '*', '', '24.x || >=26.10.0']) {
    assert.throws(() => isEngine(wanted, 'v26.10.0'), { code: 'ERR_ASSERTION' }, wanted);
  }
});
