/**
 * What the Dockerfile must keep to, checked on its text because there is no engine where the tests run.
 */

import { type Finding, fileOf, type Rule, type SourceFile } from './files.ts';

/** Instructions of a Dockerfile with their line, continuation lines joined. */
function instructionsOf(text: string): { readonly name: string; readonly rest: string; readonly line: number }[] {
  const joined: { name: string; rest: string; line: number }[] = [];
  let open = false;
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const last = joined.at(-1);
    const part = line.replace(/\\$/, '').trim();
    if (open && last !== undefined) last.rest += ` ${part}`;
    else {
      const [name = '', ...rest] = part.split(/\s+/);
      joined.push({ name: name.toUpperCase(), rest: rest.join(' '), line: index + 1 });
    }
    open = line.endsWith('\\');
  }
  return joined;
}

/** One requirement: the message when `holds` is false. */
type Check = readonly [holds: boolean, message: string];

function checksOf(text: string): Check[] {
  const all = instructionsOf(text);
  const stages = all.filter(({ name }) => name === 'FROM');
  const lastStage = all.slice(all.lastIndexOf(stages.at(-1) ?? (all[0] as (typeof all)[number])));
  const restOf = (name: string): string[] => lastStage.filter((one) => one.name === name).map(({ rest }) => rest);
  const user = restOf('USER').at(-1) ?? 'root';
  return [
    [stages.length >= 2, 'has one stage: build tools would be in the image that runs'],
    [stages.every(({ rest }) => /:\d/.test(rest)), 'FROM without a version tag changes under us'],
    [!/^(?:root|0)(?::|$)/.test(user), 'runs as root'],
    [/^(?:root|\d+(?::\d+)?)$/.test(user), 'USER by name: an orchestrator that forbids root cannot tell who that is'],
    [
      restOf('CMD')
        .concat(restOf('ENTRYPOINT'))
        .every((rest) => rest.startsWith('[')),
      'CMD in shell form keeps signals',
    ],
    [restOf('CMD').length + restOf('ENTRYPOINT').length > 0, 'has no CMD'],
    [restOf('STOPSIGNAL').includes('SIGTERM'), 'has no STOPSIGNAL SIGTERM, which is what drains'],
    [restOf('ENV').some((rest) => /\bNODE_ENV=production\b/.test(rest)), 'does not set NODE_ENV=production'],
    [restOf('HEALTHCHECK').every((rest) => /CMD \[/.test(rest)), 'HEALTHCHECK in shell form needs a shell'],
    [all.every(({ name }) => name !== 'ADD'), 'ADD fetches and unpacks behind your back; use COPY'],
    [!all.some(({ rest }) => /\bnpm (?:i|install)\b/.test(rest)), 'npm install ignores the lockfile; use npm ci'],
    [!all.some(({ name, rest }) => name === 'COPY' && /^\.\s/.test(rest)), 'COPY . takes whatever lies around'],
  ];
}

/** The Dockerfile keeps to its rules, and what it copies exists and is let through by `.dockerignore`. */
export const containerRule: Rule = (files) =>
  files
    .filter(({ path }) => /(?:^|\/)Dockerfile$/.test(path))
    .flatMap((file) => [
      ...checksOf(file.text)
        .filter(([holds]) => !holds)
        .map(([, message]) => ({ rule: 'container', path: file.path, line: 0, message })),
      ...sourceFaults(file, files),
    ]);

function sourceFaults({ path, text }: SourceFile, files: readonly SourceFile[]): Finding[] {
  const isLetThrough = readDockerignore(fileOf(files, '.dockerignore')?.text ?? '');
  const faultOf = (source: string): string => {
    const copied = files.filter((file) => file.path === source || file.path.startsWith(`${source}/`));
    if (copied.length === 0) return `copies ${source}, which does not exist`;
    const held = copied.find((file) => !isLetThrough(file.path));
    return held === undefined ? '' : `copies ${held.path}, which .dockerignore keeps out`;
  };
  return instructionsOf(text)
    .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from'))
    .flatMap(({ rest, line }) => {
      const sources = rest.split(' ').filter((word) => !word.startsWith('--'));
      return sources
        .slice(0, -1)
        .map((source) => faultOf(source.replace(/^\.\//, '').replace(/\/$/, '')))
        .filter((message) => message !== '')
        .map((message) => ({ rule: 'container', path, line, message }));
    });
}

/**
 * Which files `.dockerignore` lets through: the last pattern decides that names a file or a folder above it. Read are paths
 * with `*` for a part of a name, with or without `!`.
 * @throws Error on a pattern it does not know
 */
function readDockerignore(text: string): (path: string) => boolean {
  const patterns = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const [, not, path = ''] = /^(!?)((?!.*\*\*)[\w./*-]+)$/.exec(line) ?? [];
      if (not === undefined) throw new Error(`.dockerignore: pattern not understood: ${line}`);
      const names = path
        .replace(/^\/|\/$/g, '')
        .replaceAll('.', '\\.')
        .replaceAll('*', '[^/]*');
      return { isLet: not === '!', pattern: new RegExp(`^${names}(?:/|$)`) };
    });
  return (path) => patterns.findLast(({ pattern }) => pattern.test(path))?.isLet ?? true;
}
