/**
 * The test of the house rules: each one is shown a tree that breaks it and must say so, and one that does not.
 */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { bannedCallRule, focusedTestRule, machinePathRule, promiseRule, sleepRule } from './calls.ts';
import { containerRule } from './container.ts';
import { dependencyRule, testImportRule } from './dependency.ts';
import {
  adrRule,
  dependencyRecordRule,
  linkRule,
  pageRule,
  pinRule,
  renderAdrIndex,
  scriptMentionRule,
  scriptTargetRule,
} from './documents.ts';
import { formatFinding, type Rule, readIgnored, type SourceFile } from './files.ts';
import { allocationRule, hasLogic, hotRule, orphanRule, rootRule, untestedRule } from './mirrors.ts';
import { RULES } from './rules.ts';
import { importsOf, scan } from './scan.ts';
import { documentedRule, fileSizeRule, folderSizeRule, headerRule } from './shape.ts';

/** A tree: path -> text. */
type Tree = Readonly<Record<string, string>>;

/** One rule with a tree that keeps it, and trees that break it with a piece of what must be said. */
interface Proof {
  readonly rule: Rule;
  readonly keeps: Tree;
  readonly breaks: readonly (readonly [tree: Tree, says: string])[];
}

function filesOf(tree: Tree): SourceFile[] {
  return Object.entries(tree).map(([path, text]) => ({ path, text }));
}

const HOT = '/** Counts. Hot path. */\n';
const ALLOCATION_TEST = "import { add } from '#src/lib/sum.ts';\nv8.getHeapStatistics().total_allocated_bytes;";
const ADR = '# 0001 The ring\n\nStatus: accepted\n\n## Context\n\nx\n\n## Decision\n\nx\n\n## Consequences\n\nx\n';
const ADR_FILE = { 'docs/adr/0001-the-ring.md': ADR };
const DOCKERFILE = [
  'FROM node:26-slim AS packages',
  'RUN npm ci --omit=dev',
  'FROM node:26-slim',
  'ENV NODE_ENV=production',
  'COPY src src',
  'USER 1000:1000',
  'STOPSIGNAL SIGTERM',
  'CMD ["node", "src/main.ts"]',
].join('\n');

function container(change: (text: string) => string, ignored = '# what it copies\n*\n!src/*.ts\n'): Tree {
  return { Dockerfile: change(DOCKERFILE), '.dockerignore': ignored, 'src/main.ts': '' };
}

const PROOFS: readonly Proof[] = [
  {
    rule: dependencyRule,
    keeps: {
      'src/proxy/router.ts': "import type { Snapshot } from '../model/snapshot.ts';\nimport net from 'node:net';",
      'src/gateway.ts': "import { parse } from './sources/parse.ts';\nimport { judge } from './slo/verdict/judge.ts';",
      'src/sources/parse.ts': "import { parseDocument } from 'yaml';",
      'src/main.ts': "new URL('../package.json', import.meta.url);",
      'src/lib/text.ts': "const sample = \"import { x } from '../slo/sli.ts'\"; // import '../slo/sli.ts'",
    },
    breaks: [
      [
        { 'src/proxy/bad.ts': "\nimport { judge } from '../slo/sli.ts';" },
        'bad.ts:2: dependency: proxy may not import slo',
      ],
      [{ 'src/model/bad.ts': "import net from 'node:net';" }, 'model may not import node:net'],
      [{ 'src/lib/bad.ts': "import type { Config } from '../model/config.ts';" }, 'lib may not import model'],
      [{ 'src/main.ts': "import { compile } from './snapshot/compile.ts';" }, 'main.ts may not import snapshot'],
      [{ 'src/slo/bad.ts': "const late = await import('../proxy/router.ts');" }, 'slo may not import proxy'],
      [{ 'src/slo/bad.ts': "export { x } from '../admin/api.ts';" }, 'slo may not import admin'],
      [{ 'src/slo/bad.ts': "new Worker(new URL('../worker.ts', import.meta.url));" }, 'slo may not import worker.ts'],
      [{ 'src/proxy/bad.ts': "import { z } from 'zod';" }, 'package zod belongs to src/sources/'],
      [{ 'src/proxy/bad.ts': "import express from 'express';" }, 'express is not in the dependency table'],
      [{ 'src/proxy/bad.ts': "import { x } from '#src/slo/sli.ts';" }, 'is for tests'],
      [{ 'src/proxy/bad.ts': "import { x } from './router.js';" }, 'must end in .ts'],
      [{ 'src/proxy/bad.ts': "import { x } from '../../test/support/x.ts';" }, 'src may not import test/'],
      [{ 'src/helpers/bad.ts': "import net from 'node:net';" }, 'helpers is not in the dependency table'],
    ],
  },
  {
    rule: testImportRule,
    keeps: { 'test/unit/a.test.ts': "import { a } from '#src/a.ts';\nnew URL('../../src/main.ts', import.meta.url);" },
    breaks: [[{ 'test/unit/a.test.ts': "import { a } from '../../src/a.ts';" }, '#src/']],
  },
  {
    rule: fileSizeRule,
    keeps: { 'src/lib/a.ts': 'x;\n'.repeat(400) },
    breaks: [[{ 'src/lib/a.ts': 'x;\n'.repeat(401) }, '401 lines']],
  },
  {
    rule: folderSizeRule,
    keeps: Object.fromEntries(Array.from({ length: 14 }, (_, n) => [`src/lib/f${n}.ts`, ''])),
    breaks: [[Object.fromEntries(Array.from({ length: 15 }, (_, n) => [`src/lib/f${n}.ts`, ''])), '15 entries']],
  },
  {
    rule: headerRule,
    keeps: {
      'src/lib/a.ts': '/**\n * Adds numbers.\n */\n',
      'src/main.ts': '#!/usr/bin/env node\n/** Starts it. */\n',
    },
    breaks: [
      [{ 'src/lib/a.ts': 'export const a = 1;\n' }, 'no header'],
      [{ 'src/lib/a.ts': '/** adds */\n' }, 'no first sentence'],
    ],
  },
  {
    rule: documentedRule,
    keeps: { 'src/lib/a.ts': '/** Adds. */\nexport function add(): void {}\nfunction inner(): void {}' },
    breaks: [
      [
        { 'src/lib/a.ts': 'const x = 1;\nexport function add(): void {}' },
        'src/lib/a.ts:2: documented: add is exported',
      ],
      [{ 'src/lib/a.ts': '/** Adds. */\n\nexport function add(): void {}' }, 'add is exported without'],
    ],
  },
  {
    rule: untestedRule,
    keeps: {
      'src/lib/sum.ts': 'export function add() {}',
      'test/unit/lib/sum.test.ts': '',
      'src/cli/slow.ts': 'export function wait() {}',
      'test/unit/cli/slow.long.test.ts': '',
      'src/model/noun.ts': 'export interface Noun { readonly f: () => void }\nexport const TABLE = { a: 1 } as const;',
    },
    breaks: [
      [{ 'src/lib/sum.ts': 'export function add() {}' }, 'has no test/unit/lib/sum.test.ts'],
      [{ 'bench/macro/table.ts': 'export const f = (): number => 1;' }, 'has no test/unit/bench/macro/table.test.ts'],
    ],
  },
  {
    rule: orphanRule,
    keeps: { 'src/lib/sum.ts': '', 'test/unit/lib/sum.test.ts': '', 'test/unit/lib/sum.long.test.ts': '' },
    breaks: [
      [{ 'test/unit/lib/sum.test.ts': '' }, 'tests no file of that name'],
      [{ 'test/unit/lib/sum.long.test.ts': '' }, 'tests no file of that name'],
    ],
  },
  {
    rule: rootRule,
    keeps: { 'src/main.ts': '', 'test/integration/run.test.ts': "spawn('src/main.ts')" },
    breaks: [[{ 'src/main.ts': '', 'test/integration/run.test.ts': '' }, 'no integration test starts it']],
  },
  {
    rule: allocationRule,
    keeps: {
      'src/lib/sum.ts': `${HOT}import { two } from './two.ts';\nexport function add() {}`,
      'src/lib/two.ts': `${HOT}export function two() {}`,
      'test/unit/lib/sum.test.ts': ALLOCATION_TEST,
    },
    breaks: [
      [
        { 'src/lib/sum.ts': `${HOT}export function add() {}`, 'test/unit/lib/sum.test.ts': '' },
        'total_allocated_bytes',
      ],
      [{ 'src/lib/two.ts': `${HOT}export function two() {}`, 'test/unit/lib/sum.test.ts': ALLOCATION_TEST }, 'two.ts'],
    ],
  },
  {
    rule: hotRule,
    keeps: { 'src/lib/sum.ts': `${HOT}export function add() { return 1; } // no await` },
    breaks: [
      [{ 'src/lib/sum.ts': `${HOT}export async function add() {}` }, 'synchronous'],
      [{ 'src/lib/sum.ts': `${HOT}export function add() { return JSON.parse(x); }` }, 'control plane'],
    ],
  },
  {
    rule: bannedCallRule,
    keeps: {
      'src/lib/clock.ts': 'export function now() { return performance.now() + Date.now(); }',
      'src/main.ts': 'process.exit(1);',
      'src/slo/verdict/sum.ts': 'this.process.restart(); process.total = 1;',
      'src/slo/note.ts': "const text = 'Date.now()'; // Date.now()",
      'test/integration/a.test.ts': 'performance.now();',
    },
    breaks: [
      [{ 'src/proxy/a.ts': 'const t = Date.now();' }, 'lib/clock.ts'],
      [{ 'src/proxy/a.ts': 'const t = `${performance.now()} ms`;' }, 'lib/clock.ts'],
      [{ 'src/proxy/a.ts': 'const r = Math.random();' }, 'lib/random'],
      [{ 'src/proxy/a.ts': 'process.exit(1);' }, 'process.exit'],
      [{ 'src/proxy/a.ts': 'console.log(1);' }, 'lib/log.ts'],
      [{ 'src/proxy/a.ts': 'export default 1;' }, 'export by name'],
      [{ 'src/slo/verdict/judge.ts': 'setTimeout(f, 1);' }, 'is pure'],
      [{ 'src/snapshot/compile.ts': 'async function f() {}' }, 'is pure'],
      [{ 'src/slo/sli.ts': 'process.hrtime();' }, 'is pure'],
      [{ 'src/proxy/a.ts': 'fs.readFileSync(x);' }, 'event loop'],
      [{ 'test/property/a.test.ts': 'Math.random();' }, 'printed seed'],
    ],
  },
  {
    rule: sleepRule,
    keeps: { 'test/integration/a.test.ts': "import { setTimeout } from 'node:timers/promises';" },
    breaks: [[{ 'test/unit/a.test.ts': "import { setTimeout } from 'node:timers/promises';" }, 'virtual time']],
  },
  {
    rule: focusedTestRule,
    keeps: { 'test/a.test.ts': "test('x', (t) => { if (missing) t.skip('no nginx'); });" },
    breaks: [
      [{ 'test/a.test.ts': 'test.only(f);' }, 'every test runs'],
      [{ 'test/a.test.ts': 'describe.skip(f);' }, 'every test runs'],
      [{ 'test/a.test.ts': "test('x', { skip: true }, f);" }, 'every test runs'],
    ],
  },
  {
    rule: promiseRule,
    keeps: { 'src/lib/a.ts': "const word = 'TODO';" },
    breaks: [
      [{ 'src/lib/a.ts': '// TODO later' }, 'open an issue'],
      [{ 'docs/A.md': 'FIXME' }, 'open an issue'],
    ],
  },
  {
    rule: machinePathRule,
    keeps: { 'docs/A.md': 'see docs/home/page.md and https://example.org/home/x' },
    breaks: [
      [{ 'docs/A.md': 'in /home/jane/sluice' }, 'another machine'],
      [{ 'package-lock.json': '"resolved": "https://registry.yarnpkg.example/zod"' }, 'another machine'],
    ],
  },
  {
    rule: adrRule,
    keeps: { ...ADR_FILE, 'docs/adr/README.md': renderAdrIndex(filesOf(ADR_FILE)) },
    breaks: [
      [{ ...ADR_FILE, 'docs/adr/README.md': '# Decision records\n' }, 'is not what the records say'],
      [{ 'docs/adr/0002-x.md': ADR }, 'expected 1'],
      [{ 'docs/adr/0001-x.md': ADR.replace('## Decision', '## Idea') }, 'no section Decision'],
      [{ 'docs/adr/0001-x.md': ADR.replace('accepted', 'perhaps') }, 'Status'],
      [{ 'docs/adr/notes.md': '' }, 'NNNN-words.md'],
    ],
  },
  {
    rule: dependencyRecordRule,
    keeps: { ...ADR_FILE, 'package.json': '{}' },
    breaks: [[{ ...ADR_FILE, 'package.json': '{"dependencies":{"zod":"4.6.7"}}' }, 'zod has no decision record']],
  },
  {
    rule: linkRule,
    keeps: {
      'README.md': '[a](docs/A.md#part) [b](https://example.org) [c](docs/)',
      'docs/A.md': '[up](../README.md)',
    },
    breaks: [[{ 'README.md': '\n[a](docs/B.md)' }, 'README.md:2: link: docs/B.md does not exist']],
  },
  {
    rule: pageRule,
    keeps: { 'src/lib/a.ts': '/** See docs/A.md. */', 'docs/A.md': '' },
    breaks: [[{ 'config/a.yaml': '\n# docs/B.md lists them' }, 'config/a.yaml:2: page: docs/B.md does not exist']],
  },
  {
    rule: scriptMentionRule,
    keeps: {
      'README.md': '`npm ci`, `npm test`, `npm run demo -- --once`',
      'package.json': '{"scripts":{"demo":"","test":""}}',
    },
    breaks: [[{ 'README.md': 'npm run dmeo', 'package.json': '{"scripts":{"demo":""}}' }, 'no script dmeo']],
  },
  {
    rule: scriptTargetRule,
    keeps: { 'package.json': '{"scripts":{"test":"node test/run.ts \\"test/**/*.test.ts\\""}}', 'test/run.ts': '' },
    breaks: [[{ 'package.json': '{"scripts":{"test":"node test/run.ts"}}' }, 'test/run.ts, which does not exist']],
  },
  {
    rule: pinRule,
    keeps: { 'package.json': '{"dependencies":{"zod":"4.6.7"}}' },
    breaks: [
      [{ 'package.json': '{"devDependencies":{"zod":"^4.6.7"}}' }, 'not one version'],
      [{ 'package.json': '{"devDependencies":{"own":"file:deploy/own"}}' }, 'not one version'],
      [
        {
          'package.json': '{"devDependencies":{"own":"file:deploy/own"}}',
          'deploy/own/package.json': '{"optionalDependencies":{"zod":"4"}}',
        },
        'optionalDependencies.zod is 4, not one version',
      ],
    ],
  },
  {
    rule: containerRule,
    keeps: container((text) => text),
    breaks: [
      [container((text) => text.replace('USER 1000:1000', 'USER root')), 'runs as root'],
      [container((text) => text.replace('USER 1000:1000\n', '')), 'runs as root'],
      [container((text) => text.replace('USER 1000:1000', 'USER node')), 'USER by name'],
      [container((text) => text.replace('FROM node:26-slim\n', '')), 'one stage'],
      [container((text) => text.replaceAll('node:26-slim', 'node')), 'without a version tag'],
      [container((text) => text.replace('["node", "src/main.ts"]', 'node src/main.ts')), 'shell form'],
      [container((text) => text.replace('STOPSIGNAL SIGTERM\n', '')), 'STOPSIGNAL'],
      [container((text) => text.replace('COPY src src', 'COPY . .')), 'takes whatever'],
      [container((text) => text.replace('COPY src src', 'COPY source src')), 'copies source'],
      [container((text) => text, '*\n!package.json\n'), 'copies src/main.ts, which .dockerignore keeps out'],
      [container((text) => text, '*\n!src\nsrc/main.ts\n'), 'copies src/main.ts, which .dockerignore keeps out'],
      [container((text) => text.replace('npm ci', 'npm install')), 'npm ci'],
    ],
  },
];

describe('every rule', () => {
  test('has a proof here', () => {
    const proven = new Set(PROOFS.map(({ rule }) => rule));
    assert.deepEqual(
      RULES.filter(([, rule]) => !proven.has(rule)).map(([sentence]) => sentence),
      [],
    );
  });

  for (const { rule, keeps, breaks } of PROOFS) {
    const name = RULES.find(([, one]) => one === rule)?.[0] ?? rule.name;
    test(`"${name}" is silent on a tree that keeps it`, () => {
      assert.deepEqual(rule(filesOf(keeps)).map(formatFinding), []);
    });
    for (const [tree, says] of breaks) {
      test(`"${name}" says "${says}"`, () => {
        const said = rule(filesOf(tree)).map(formatFinding).join('\n');
        assert.ok(said.includes(says), `said: ${said}`);
      });
    }
  }
});

describe('the scanner', () => {
  const cases: readonly (readonly [text: string, code: string])[] = [
    ["const a = 'b // c'; // d", "const a = '      ';     "],
    ['a /* b */ + c', 'a         + c'],
    ['`x ${ `y ${z} ` } w` + v', '`   { `   {z} ` }  ` + v'],
    ['x = /["\'`/]\\//g; y', 'x = /        /g; y'],
    ['a / b / c', 'a / b / c'],
    ["'it\\'s' + x", "'     ' + x"],
    ['return /a}/.test(x)', 'return /  /.test(x)'],
    ['f({ a: `${b}}` })', 'f({ a: ` {b} ` })'],
  ];
  for (const [text, code] of cases) {
    test(`reads ${text}`, () => {
      assert.equal(scan(text).code, code);
    });
  }

  test('keeps every offset', () => {
    const text = '#!/bin/node\n/** a\n b */\nconst c = `d\n${e}\n`; // f\n';
    const { code, comments } = scan(text);
    assert.equal(code.length, text.length);
    assert.equal(comments.length, text.length);
    assert.deepEqual(comments.trim().split(/\s+/), ['#!/bin/node', '/**', 'a', 'b', '*/', '//', 'f']);
  });

  test('finds imports over several lines and none in strings', () => {
    const text = "import {\n  a,\n  b,\n} from './x.ts';\nconst s = \"import './no.ts'\";\nimport './y.ts';";
    assert.deepEqual(
      importsOf(text).map(({ specifier }) => specifier),
      ['./x.ts', './y.ts'],
    );
  });

  test('sees logic behind types only', () => {
    assert.equal(hasLogic('export type F = (a: number) => void;'), false);
    assert.equal(hasLogic('export const f = (a: number): number => a;'), true);
  });

  test('leaves out what .gitignore names, at the root alone where it says so', () => {
    const isIgnored = readIgnored('node_modules/\n/state/\n');
    const paths = ['state', 'src/state', 'node_modules', 'bench/node_modules'];
    assert.deepEqual(paths.filter(isIgnored), ['state', 'node_modules', 'bench/node_modules']);
  });

  test('refuses a .gitignore pattern that it would misread', () => {
    assert.equal(readIgnored('node_modules/\n*.log\n')('a.log'), true);
    assert.throws(() => readIgnored('a/**/b\n'), /not understood/);
  });
});
