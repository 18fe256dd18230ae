import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { phasesOf } from './phases.ts';
import { entriesOf, groupsOf, lookWith, type Sharing, sharingOf } from './sharing.ts';

/** Each costs a quick run the loading of most of the source. */
const APART_MAX = 1;

const CASE = `test('a', f);\n`;
const PURE = `import test from 'node:test';\nimport { f } from '#src/proxy/decide/decide.ts';\n`;

function sharing(text: string, others: Readonly<Record<string, string>> = {}): Sharing {
  const files: Readonly<Record<string, string>> = { 'test/unit/a.test.ts': text, ...others };
  return sharingOf(
    'test/unit/a.test.ts',
    lookWith((path) => files[path]),
  );
}

describe('a test file', () => {
  test('is among those that compute when it does nothing else', () => {
    assert.equal(sharing(PURE), 'computes');
    assert.equal(sharing(`${PURE}import type { Socket } from 'node:net';\n`), 'computes');
    assert.equal(sharing(`${PURE}if (process.env['SLUICE_TEST_DEPTH'] === 'full') f();\n`), 'computes');
    assert.equal(sharing(`${PURE}t.mock.method(f, 'g');\n`), 'computes');
    assert.equal(sharing(`${PURE}assert.equal(g.mock.callCount(), 1);\n`), 'computes');
    assert.equal(sharing(`${PURE}describe('a', () => {\n  after(f);\n});\n`), 'computes');
  });

  test('is among those that wait when it has sockets, and among those that fork when it has children', () => {
    const waits = [
      `import { createServer } from 'node:http';`,
      `import {\n  connect,\n} from 'node:net';`,
      `import { Worker } from 'node:worker_threads';`,
      `const plane = await startPlane(sketch);`,
      `await fetch(url);`,
    ];
    assert.equal(sharing(`${PURE}run(\`import 'node:net'; process.on('exit', f);\`);\n`), 'computes', 'a text');
    for (const line of waits) assert.equal(sharing(`${PURE}${line}\n`), 'waits', line);
    for (const line of [`import { spawn } from 'node:child_process';`, `await startGatewayProcess(config);`]) {
      assert.equal(sharing(`${PURE}await fetch(url);\n${line}\n`), 'forks', line);
    }
  });

  test('is among those that count when it looks at what its process has open', () => {
    assert.equal(sharing(`${PURE}await fetch(url);\nprocess.getActiveResourcesInfo();\n`), 'counts');
  });

  test('runs apart when it does what others could feel, or measures what it does to its process', () => {
    const felt = [
      `import { getHeapStatistics } from 'node:v8';`,
      `mock.timers.enable();`,
      `process.on('SIGTERM', f);`,
      `process.env['A'] = 'b';`,
      `const { rss } = process.memoryUsage();`,
      `beforeEach(f);`,
    ];
    for (const line of felt) {
      assert.equal(sharing(`${PURE}import { connect } from 'node:net';\n${line}\n`), 'apart', line);
    }
  });

  test('shares its process in a quick run, where no bytes are counted', () => {
    const text = `import { bytesPerCall } from '../support/proxy/allocation.ts';\n`;
    const look = lookWith((path) =>
      path === 'test/unit/a.test.ts' ? text : `import { getHeapStatistics } from 'node:v8';\n`,
    );
    assert.equal(sharingOf('test/unit/a.test.ts', look), 'apart');
    assert.equal(sharingOf('test/unit/a.test.ts', look, 'quick'), 'computes');
  });

  test('is judged by support that it imports as well, at whatever distance', () => {
    const near = `import { g } from '../support/near.ts';\n`;
    const far = (text: string): Sharing =>
      sharing(near, {
        'test/support/near.ts': `export { g } from './deep/far.ts';\n`,
        'test/support/deep/far.ts': text,
      });
    assert.equal(far('export const g = 1;\n'), 'computes');
    assert.equal(far(`import { fork } from 'node:child_process';\n`), 'forks');
    assert.equal(far(`import { getHeapStatistics } from 'node:v8';\n`), 'apart');
  });

  test('is judged although its support imports itself in a circle', () => {
    const circle = { 'test/support/b.ts': `import '../unit/a.test.ts';\n` };
    assert.equal(sharing(`import '../support/b.ts';\n`, circle), 'computes');
  });
});

describe('groups', () => {
  const texts = {
    'test/a.test.ts': CASE,
    'test/b.test.ts': `import 'x';\nimport { c } from 'node:cluster';\n${CASE}`,
    'test/c.test.ts': CASE,
    'test/d.test.ts': CASE,
    'test/e.long.test.ts': CASE,
    'test/f.test.ts': `import { spawn } from 'node:child_process';\n${CASE}`,
    'test/k.test.ts': `process.getActiveResourcesInfo();\n${CASE}`,
    'test/l.test.ts': `process.getActiveResourcesInfo();\n${CASE}`,
    'test/m.long.test.ts': `process.getActiveResourcesInfo();\n${CASE}`,
    'test/t.test.ts': `table();\n`,
    ...Object.fromEntries(
      ['v', 'w', 'x', 'y', 'z'].map((name) => [`test/${name}.test.ts`, `import { connect } from 'node:net';\n${CASE}`]),
    ),
  };
  const names = Object.keys(texts);
  const root = mkdtempSync(join(tmpdir(), 'sluice-sharing-'));
  for (const name of names) {
    mkdirSync(join(root, dirname(name)), { recursive: true });
    writeFileSync(join(root, name), (texts as Record<string, string>)[name] ?? '');
  }

  test('hold every file exactly once', (t) => {
    t.after(() => rmSync(root, { recursive: true }));
    const groups = groupsOf(root, names, 2, 'full');
    assert.deepEqual(groups, [
      ['test/e.long.test.ts'],
      ['test/v.test.ts', 'test/z.test.ts'],
      ['test/w.test.ts'],
      ['test/x.test.ts'],
      ['test/y.test.ts'],
      ['test/f.test.ts'],
      ['test/a.test.ts', 'test/d.test.ts'],
      ['test/c.test.ts'],
      ['test/m.long.test.ts'],
      ['test/k.test.ts', 'test/l.test.ts'],
      ['test/b.test.ts'],
      ['test/t.test.ts'],
    ]);
    assert.deepEqual(groups.flat().sort(), names.toSorted());
    const inQuick = groupsOf(root, names, 2, 'quick');
    assert.deepEqual(inQuick.flat().sort(), names.toSorted());
    assert.deepEqual(inQuick.slice(0, 4), [
      ['test/e.long.test.ts'],
      ['test/v.test.ts', 'test/x.test.ts', 'test/z.test.ts'],
      ['test/w.test.ts', 'test/y.test.ts'],
      ['test/f.test.ts'],
    ]);
    const entries = entriesOf(root, groups, root);
    assert.deepEqual(
      entries.filter((_entry, n) => groups[n]?.length === 1),
      groups.filter(({ length }) => length === 1).flat(),
    );
    const imports = ['a', 'd'].map((name) => `import "${pathToFileURL(join(root, `test/${name}.test.ts`)).href}";\n`);
    assert.equal(readFileSync(entries[6] ?? '', 'utf8'), imports.join(''));
  });
});

describe('a quick run', () => {
  const root = join(import.meta.dirname, '../../..');
  const look = lookWith((name) => readFileSync(join(root, name), 'utf8'));
  const kindOf = (path: string): Sharing => sharingOf(path, look, 'quick');
  const files = phasesOf(root, 'quick', 2).flatMap((phase) => phase.files);
  const byKind = Map.groupBy(files, kindOf);

  test('starts no server, no gateway and no other process: the file of a test that does is named ….long.test.ts', () => {
    assert.deepEqual(byKind.get('forks') ?? [], []);
  });

  test('has few files that load everything for themselves alone', () => {
    const apart = byKind.get('apart') ?? [];
    assert.ok(apart.length <= APART_MAX, `${apart.length} files run apart: ${apart.join(', ')}`);
  });
});
