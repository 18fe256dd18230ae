/**
 * Documents and package metadata that must agree with the tree: indexes, links, scripts, version pins.
 */

import { posix } from 'node:path';
import { type Finding, fileOf, lineAt, type Rule, type SourceFile } from './files.ts';

const ADR_INDEX = 'docs/adr/README.md';
const ADR = /^docs\/adr\/(\d{4})-[a-z0-9-]+\.md$/;

/** Number, title and status of one decision record, or what is wrong with it. */
function adrOf({ path, text }: SourceFile): { line: string; fault: string } {
  const number = ADR.exec(path)?.[1] ?? '';
  const title = /^# (\d{4}) (.+)$/m.exec(text);
  const status = /^Status: (accepted|superseded by \d{4})$/m.exec(text)?.[1];
  const line = `| [${number}](${posix.basename(path)}) | ${title?.[2] ?? ''} | ${status ?? ''} |`;
  if (title?.[1] !== number) return { line, fault: `must begin with "# ${number} Title"` };
  if (status === undefined) return { line, fault: 'has no line "Status: accepted" or "Status: superseded by NNNN"' };
  const missing = ['Context', 'Decision', 'Consequences'].filter((section) => !text.includes(`\n## ${section}\n`));
  return { line, fault: missing.length === 0 ? '' : `has no section ${missing.join(', ')}` };
}

/** The index page of the decision records, made from their own headings. */
export function renderAdrIndex(files: readonly SourceFile[]): string {
  const lines = files.filter(({ path }) => ADR.test(path)).map((file) => adrOf(file).line);
  return [
    '# Decision records',
    '',
    'One page per decision that would be expensive to change: what forced it, what was chosen, what follows. A newer',
    'record supersedes an older one; none is edited after the fact: what is added to one stands under "Amended", with its',
    'date. `npm run docs` renews this index.',
    '',
    '| No. | Decision | Status |',
    '|---|---|---|',
    ...lines,
    '',
  ].join('\n');
}

/** Decision records have their form, consecutive numbers and an index that is up to date. */
export const adrRule: Rule = (files) => {
  const records = files.filter(({ path }) => ADR.test(path));
  const finding = (path: string, message: string): Finding => ({ rule: 'adr', path, line: 0, message });
  const faults = records.flatMap((file, index) => {
    const { fault } = adrOf(file);
    const number = Number(ADR.exec(file.path)?.[1]);
    const gap = number === index + 1 ? [] : [finding(file.path, `is number ${number}, expected ${index + 1}`)];
    return fault === '' ? gap : [...gap, finding(file.path, fault)];
  });
  const strangers = files
    .filter(({ path }) => path.startsWith('docs/adr/') && path !== ADR_INDEX && !ADR.test(path))
    .map(({ path }) => finding(path, 'is not named NNNN-words.md'));
  const isStale = records.length > 0 && fileOf(files, ADR_INDEX)?.text !== renderAdrIndex(files);
  const stale = isStale ? [finding(ADR_INDEX, 'is not what the records say')] : [];
  return [...faults, ...strangers, ...stale];
};

function markdown(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.endsWith('.md'));
}

/** Relative links in Markdown lead to files or folders that exist. */
export const linkRule: Rule = (files) =>
  markdown(files).flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)].flatMap((match) => {
      const link = match[1] ?? '';
      if (/^[a-z]+:/.test(link)) return [];
      const target = posix.join(posix.dirname(path), link).replace(/\/$/, '');
      const isThere = files.some((file) => file.path === target || file.path.startsWith(`${target}/`));
      if (isThere) return [];
      return [{ rule: 'link', path, line: lineAt(text, match.index), message: `${link} does not exist` }];
    }),
  );

/** Pages that code, configuration and documents name as `docs/…` exist. */
export const pageRule: Rule = (files) =>
  files
    .filter(({ path }) => /\.(?:ts|ya?ml|md)$/.test(path) && !path.startsWith('test/support/tidy/'))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/(?<![\w/.-])docs\/[\w/-]+\.md\b/g)]
        .filter(([page]) => fileOf(files, page) === undefined)
        .map((match) => ({
          rule: 'page',
          path,
          line: lineAt(text, match.index),
          message: `${match[0]} does not exist`,
        })),
    );

interface PackageJson {
  readonly scripts?: Readonly<Record<string, string>>;
  readonly bin?: Readonly<Record<string, string>>;
  readonly [section: string]: unknown;
}

function packageOf(files: readonly SourceFile[]): PackageJson {
  return JSON.parse(fileOf(files, 'package.json')?.text ?? '{}') as PackageJson;
}

/** `npm run x`, `npm test` and `npm start` in a page name scripts that exist. */
export const scriptMentionRule: Rule = (files) => {
  const scripts = packageOf(files).scripts ?? {};
  return markdown(files).flatMap(({ path, text }) =>
    [...text.matchAll(/\bnpm (?:run ([\w:-]+)|(test|start)\b)/g)].flatMap((match) => {
      const name = match[1] ?? match[2] ?? '';
      if (scripts[name] !== undefined) return [];
      return [{ rule: 'script', path, line: lineAt(text, match.index), message: `package.json has no script ${name}` }];
    }),
  );
};

/** Scripts and `bin` run files that exist. */
export const scriptTargetRule: Rule = (files) => {
  const { scripts = {}, bin = {} } = packageOf(files);
  const commands = [...Object.entries(scripts), ...Object.entries(bin)];
  return commands.flatMap(([name, command]) =>
    [...command.matchAll(/(?<![*\w./-])[\w./-]+\.(?:ts|json)\b/g)]
      .map((match) => match[0])
      .filter((target) => fileOf(files, target) === undefined)
      .map((target) => ({
        rule: 'script',
        path: 'package.json',
        line: 0,
        message: `${name} names ${target}, which does not exist`,
      })),
  );
};

const SECTIONS = ['dependencies', 'devDependencies', 'optionalDependencies', 'peerDependencies'];

/** Every dependency is pinned to one version, or a package of the repository: npm would otherwise pick another one on another Node. */
export const pinRule: Rule = (files) =>
  files
    .filter(({ path }) => /(?:^|\/)package\.json$/.test(path))
    .flatMap(({ path, text }) => {
      const json = JSON.parse(text) as PackageJson;
      const isPinned = (version: string): boolean =>
        /^\d+\.\d+\.\d+$/.test(version) ||
        (version.startsWith('file:') &&
          fileOf(files, posix.join(posix.dirname(path), version.slice(5), 'package.json')) !== undefined);
      return SECTIONS.flatMap((section) =>
        Object.entries((json[section] ?? {}) as Record<string, string>)
          .filter(([, version]) => !isPinned(version))
          .map(([name, version]) => ({
            rule: 'pin',
            path,
            line: 0,
            message: `${section}.${name} is ${version}, not one version`,
          })),
      );
    });

/** Every run-time dependency is the subject of a decision record. */
export const dependencyRecordRule: Rule = (files) => {
  const records = files.filter(({ path }) => ADR.test(path));
  if (records.length === 0) return [];
  return Object.keys((packageOf(files)['dependencies'] ?? {}) as Record<string, string>)
    .filter((name) => !records.some(({ text }) => text.includes(`\`${name}\``)))
    .map((name) => ({ rule: 'record', path: 'package.json', line: 0, message: `${name} has no decision record` }));
};
