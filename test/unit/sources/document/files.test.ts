/** Files that fixed answers name: read from the document's own folder, and from nowhere else. */

import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { FallbackConfig } from '#src/model/threads/answers/fallback.ts';
import { readBelow } from '#src/sources/document/files.ts';
import { readPart } from '#src/sources/document/part.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';
import { inFolder } from '../../../support/state/folder.ts';

/** A folder with a document's folder `inner` in it, and files on both sides of its border. */
function inTree(use: (inner: string) => void): Promise<void> {
  return inFolder((folder) => {
    const inner = join(folder, 'inner');
    mkdirSync(join(inner, 'pages/..data'), { recursive: true });
    writeFileSync(join(folder, 'secret'), 'secret');
    mkdirSync(join(folder, 'inner-not'));
    writeFileSync(join(folder, 'inner-not/secret'), 'secret');
    writeFileSync(join(inner, 'sorry.txt'), 'größer');
    writeFileSync(join(inner, 'pages/..data/page'), 'page');
    writeFileSync(join(inner, 'long'), Buffer.alloc(65_537, 'x'));
    writeFileSync(join(inner, 'most'), Buffer.alloc(65_536, 'x'));
    writeFileSync(join(inner, 'binary'), Buffer.from([0xff, 0xfe]));
    writeFileSync(join(inner, 'empty'), '');
    symlinkSync('..data/page', join(inner, 'pages/page'));
    symlinkSync('../secret', join(inner, 'link'));
    symlinkSync('..', join(inner, 'up'));
    symlinkSync('../inner-not', join(inner, 'near'));
    symlinkSync('round', join(inner, 'round'));
    use(inner);
  });
}

const FOUND: readonly (readonly [path: string, text: string])[] = [
  ['sorry.txt', 'größer'],
  ['./sorry.txt', 'größer'],
  ['pages/..data/page', 'page'],
  ['pages/page', 'page'],
  ['empty', ''],
  ['most', 'x'.repeat(65_536)],
];

const REFUSED: readonly (readonly [path: string, why: RegExp])[] = [
  ['', /relative path/],
  ['../secret', /relative path/],
  ['pages/../../secret', /relative path/],
  ['pages\\..\\..\\secret', /relative path/],
  ['/etc/hostname', /relative path/],
  ['sorry.txt\0', /relative path/],
  ['link', /leads out/],
  ['up/secret', /leads out/],
  ['near/secret', /leads out/],
  ['.', /leads out/],
  ['round', /ELOOP/],
  ['none', /ENOENT/],
  ['sorry.txt/none', /ENOTDIR/],
  ['pages', /plain file/],
  ['long', /65536 bytes/],
  ['binary', /UTF-8/],
];

describe('a file is read', () => {
  for (const [path, text] of FOUND) {
    it(`at ${path}`, () => inTree((inner) => assert.equal(readBelow(inner, path), text)));
  }

  for (const [path, why] of REFUSED) {
    it(`not at ${JSON.stringify(path)}`, () =>
      inTree((inner) => {
        const fault = readBelow(inner, path);
        assert.ok(typeof fault !== 'string', 'read');
        assert.match(`${fault.expected} ${fault.got ?? ''}`, why);
      }));
  }

  it('from a folder that is reached by a link itself', () =>
    inTree((inner) => {
      symlinkSync('inner', `${inner}-link`);
      assert.equal(readBelow(`${inner}-link`, 'sorry.txt'), 'größer');
    }));
});

const STEP = '    fallback: [{type: Static, static: &page {file: sorry.txt}}]\n';

describe('a document', () => {
  it('has the text of its file as the body, wherever an alias repeats it', () =>
    inTree((inner) => {
      const again =
        '  - {name: b, hostnames: [b.test], backendRefs: [{name: shop, version: v1}], fallback: [{type: Static, static: *page}]}\n';
      const parsed = parseConfig(`${SOUND}${STEP}${again}`, join(inner, 'gateway.yaml'));
      assert.ok(parsed.ok);
      const bodies = parsed.config.routes.map(({ fallback: [step] = [] }) => {
        return (step as Extract<FallbackConfig, { readonly kind: 'static' }>).body;
      });
      assert.deepEqual(bodies, ['größer', 'größer']);
    }));

  it('is refused for a file that is not there, at its place, and for a body beside it', () =>
    inTree((inner) => {
      const problemsOf = (step: string): string[] => {
        const parsed = parseConfig(`${SOUND}${step}`, join(inner, 'gateway.yaml'));
        assert.ok(!parsed.ok);
        return parsed.problems.map(({ code, line, column }) => `${code} ${line}:${column}`);
      };
      assert.deepEqual(problemsOf(STEP.replace('sorry.txt', 'none')), ['SLU1174 11:52']);
      assert.deepEqual(problemsOf(STEP.replace('sorry.txt', 'sorry.txt, body: x')), ['SLU1173 11:52']);
    }));

  it('of a source names no file', () =>
    inTree((inner) => {
      const text = 'backendRefs: [{name: a}]\nfallback: [{type: Static, static: {file: sorry.txt}}]\n';
      for (const isForeign of [true, false]) {
        const mount = { kind: 'route', name: 'shop' } as const;
        const { faults, value } = readPart({ name: join(inner, 'a'), text, mount, source: 1, isForeign }, {});
        assert.deepEqual(
          faults.map(({ fault, path }) => [fault.kind, path.join('.')]),
          [['fallbackFile', 'fallback.0.static.file']],
        );
        assert.ok(!JSON.stringify(value).includes('größer'));
      }
    }));
});
