import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { entriesOf, groupsOf, mayShare } from './sharing.ts';

const PURE = `import test from 'node:test';\nimport { f } from '#src/proxy/decide/decide.ts';\n`;

function shares(text: string, others: Readonly<Record<string, string>> = {}): boolean {
  const files: Readonly<Record<string, string>> = { 'test/unit/a.test.ts': text, ...others };
  return mayShare('test/unit/a.test.ts', (path) => files[path]);
}

describe('a test file', () => {
  test('shares a process when it only computes', () => {
    assert.equal(shares(PURE), true);
    assert.equal(shares(`${PURE}import type { Socket } from 'node:net';\n`), true);
    assert.equal(shares(`${PURE}if (process.env['SLUICE_TEST_DEPTH'] === 'full') f();\n`), true);
  });

  test('runs alone when it does what others could feel', () => {
    const felt = [
      `import { createServer } from 'node:http';`,
      `import {\n  connect,\n} from 'node:net';`,
      `import { spawn } from 'node:child_process';`,
      `import { Worker } from 'node:worker_threads';`,
      `import { getHeapStatistics } from 'node:v8';`,
      `t.mock.timers.enable();`,
      `process.on('SIGTERM', f);`,
      `process.env['A'] = 'b';`,
      `const plane = await startPlane(sketch);`,
    ];
    for (const line of felt) assert.equal(shares(`${PURE}${line}\n`), false, line);
  });

  test('runs alone when support that it imports does, at whatever distance', () => {
    const near = `import { g } from '../support/near.ts';\n`;
    const far = { 'test/support/near.ts': `export { g } from './deep/far.ts';\n` };
    assert.equal(shares(near, { ...far, 'test/support/deep/far.ts': 'export const g = 1;\n' }), true);
    assert.equal(
      shares(near, { ...far, 'test/support/deep/far.ts': `import { fork } from 'node:child_process';\n` }),
      false,
    );
  });

  test('is judged although its support imports itself in a circle', () => {
    assert.equal(shares(`import '../support/b.ts';\n`, { 'test/support/b.ts': `import '../unit/a.test.ts';\n` }), true);
  });
});

describe('groups', () => {
  const texts = {
    'test/a.test.ts': '',
    'test/b.test.ts': `import 'x';\nimport { c } from 'node:net';\n`,
    'test/c.test.ts': '',
  };
  const names = [...Object.keys(texts), 'test/d.test.ts'];
  const root = mkdtempSync(join(tmpdir(), 'sluice-sharing-'));
  for (const name of names) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    writeFileSync(join(root, name), (texts as Record<string, string>)[name] ?? '');
  }

  test('hold every file exactly once', (t) => {
    t.after(() => rmSync(root, { recursive: true }));
    const groups = groupsOf(root, names, 2);
    assert.deepEqual(groups, [['test/a.test.ts', 'test/d.test.ts'], ['test/c.test.ts'], ['test/b.test.ts']]);
    assert.deepEqual(groups.flat().sort(), names);
    const [together = '', ...single] = entriesOf(root, groups, root);
    assert.deepEqual(single, ['test/c.test.ts', 'test/b.test.ts']);
    const imports = ['a', 'd'].map((name) => `import "${pathToFileURL(join(root, `test/${name}.test.ts`)).href}";\n`);
    assert.equal(readFileSync(together, 'utf8'), imports.join(''));
  });
});
