/**
 * What the Dockerfile must keep to, checked on its text because there is no engine where the tests run.
 */

import type { Finding, Rule, SourceFile } from './files.ts';

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

/** The Dockerfile keeps to its rules, and what it copies exists. */
export const containerRule: Rule = (files) =>
  files
    .filter(({ path }) => /(?:^|\/)Dockerfile$/.test(path))
    .flatMap((file) => [
      ...checksOf(file.text)
        .filter(([holds]) => !holds)
        .map(([, message]) => ({ rule: 'container', path: file.path, line: 0, message })),
      ...missingSources(file, files),
    ]);

function missingSources({ path, text }: SourceFile, files: readonly SourceFile[]): Finding[] {
  return instructionsOf(text)
    .filter(({ name, rest }) => name === 'COPY' && !rest.startsWith('--from'))
    .flatMap(({ rest, line }) => {
      const sources = rest.split(' ').filter((word) => !word.startsWith('--'));
      return sources
        .slice(0, -1)
        .map((source) => source.replace(/^\.\//, '').replace(/\/$/, ''))
        .filter((source) => !files.some((file) => file.path === source || file.path.startsWith(`${source}/`)))
        .map((source) => ({ rule: 'container', path, line, message: `copies ${source}, which does not exist` }));
    });
}
