/**
 * The dependency rule: which folder of `src/` may import what, and which packages it may use.
 *
 * Sections of the ring never import one another (docs/ARCHITECTURE.md); only the composition roots know several.
 * A package is allowed where it is listed and nowhere else, so that replacing one touches one folder.
 */

import { posix } from 'node:path';
import { type Finding, lineAt, type Rule, type SourceFile, under } from './files.ts';
import { importsOf } from './scan.ts';

const SECTIONS = ['admin', 'cli', 'export', 'fleet', 'health', 'proxy', 'slo', 'snapshot', 'sources', 'state'] as const;

/** What a root file may import; `*` = every folder and root. */
const ROOTS: Readonly<Record<string, readonly string[]>> = {
  'gateway.ts': ['*'],
  compose: ['*'],
  'main.ts': ['cli', 'gateway.ts', 'compose'],
};

/** Folders of `src/` that a folder may import; `node:` stands for the platform's own modules. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  model: ['model'],
  lib: ['lib', 'node:'],
  ...Object.fromEntries(SECTIONS.map((section) => [section, [section, 'model', 'lib', 'node:']])),
};

/** Run-time packages and the places that may use each, by prefix. */
const PACKAGES: Readonly<Record<string, string | readonly string[]>> = {
  yaml: 'src/sources/',
  '@opentelemetry/api': 'src/export/requests/',
  '@opentelemetry/exporter-trace-otlp-proto': 'src/export/requests/',
  '@opentelemetry/resources': 'src/export/requests/',
  zod: 'src/sources/',
  'prom-client': 'src/export/',
  pbf: 'src/export/exposition/',
  ioredis: 'src/fleet/redis/',
  undici: ['src/health/', 'src/sources/stores/', 'src/export/alerts/'],
  pino: 'src/lib/log.ts',
  re2js: 'src/lib/pattern.ts',
  'http-proxy-3': 'src/proxy/upgrade/',
  jose: 'src/proxy/decide/color/',
};

/** `src/proxy/http1/body.ts` -> `proxy`; `src/gateway.ts` -> `gateway.ts`. */
function sectionOf(path: string): string {
  return path.split('/')[1] ?? '';
}

/** Modules of the live page that browsers load as they lie, and the server renders with: JavaScript, types in comments. */
function isView(path: string): boolean {
  return path.startsWith('src/admin/page/view/') && path.endsWith('.js');
}

/** Why this import is not allowed, or null. */
function refusalOf(from: string, specifier: string): string | null {
  const section = sectionOf(from);
  const allowed = ROOTS[section] ?? FOLDERS[section];
  if (allowed === undefined) return `${section} is not in the dependency table`;
  if (specifier.startsWith('#')) return `'${specifier}' is for tests; import by relative path`;
  if (specifier.startsWith('node:')) return platformRefusal(section, specifier);
  if (!specifier.startsWith('.')) return packageRefusal(from, specifier);
  const target = posix.join(posix.dirname(from), specifier);
  if (!specifier.endsWith('.ts') && !isView(target)) return `'${specifier}' must end in .ts`;
  if (!target.startsWith('src/')) return `src may not import ${target}`;
  const to = sectionOf(target);
  if (allowed.includes('*') || allowed.includes(to)) return null;
  return `${section} may not import ${to}`;
}

function platformRefusal(section: string, specifier: string): string | null {
  const isAllowed = ROOTS[section] !== undefined || FOLDERS[section]?.includes('node:') === true;
  return isAllowed ? null : `${section} may not import ${specifier}`;
}

function packageRefusal(from: string, specifier: string): string | null {
  const places = PACKAGES[specifier];
  if (places === undefined) return `package ${specifier} is not in the dependency table`;
  return [places].flat().some((place) => from.startsWith(place))
    ? null
    : `package ${specifier} belongs to ${[places].flat().join(' and ')}`;
}

function findingsOf(file: SourceFile): Finding[] {
  return importsOf(file.text).flatMap(({ specifier, offset }) => {
    const message = refusalOf(file.path, specifier);
    return message === null ? [] : [{ rule: 'dependency', path: file.path, line: lineAt(file.text, offset), message }];
  });
}

/** A view is of the page alone: what it imports is served beside it. */
function viewFindings(file: SourceFile): Finding[] {
  const elsewhere = importsOf(file.text).filter(({ specifier }) => !/^\.\/[\w-]+\.js$/.test(specifier));
  return elsewhere.map(({ specifier, offset }) => {
    const message = `a view may not import ${specifier}: browsers load it from beside the others`;
    return { rule: 'dependency', path: file.path, line: lineAt(file.text, offset), message };
  });
}

/** Imports inside `src/` follow the table. */
export const dependencyRule: Rule = (files) => [
  ...under(files, 'src/', '.ts').flatMap(findingsOf),
  ...files.filter(({ path }) => isView(path)).flatMap(viewFindings),
];

/** Tests reach the source as `#src/…`, so that moving a test does not change its imports. */
export const testImportRule: Rule = (files) =>
  under(files, 'test/', '.ts').flatMap((file) =>
    importsOf(file.text)
      .filter(({ specifier }) => /^\.{1,2}\/(?:.*\/)?src\//.test(specifier) && specifier.endsWith('.ts'))
      .filter(({ offset }) => !/new\s+URL\s*\(\s*$/.test(file.text.slice(0, offset)))
      .map(({ specifier, offset }) => ({
        rule: 'test-import',
        path: file.path,
        line: lineAt(file.text, offset),
        message: `import '${specifier}' as '#src/…'`,
      })),
  );
