/**
 * `sluice diff`: how the answers of mirrors differ from those that clients get.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { visible } from '../../lib/text/visible.ts';
import { type DifferenceStatus, type MirrorStatus, UNCOMPARED_REASONS } from '../../model/threads/requests/compared.ts';
import { adminOf, asking, refuse } from '../admin/ask/asking.ts';
import { DEFAULT_ADMIN, fetchStatus } from '../admin/ask/client.ts';
import { table } from '../admin/table.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';

const USAGE = `sluice diff [ROUTE] [--all] [--admin URL] [-o json]

Shows where the answers of a mirror differ from those that clients get, and those do not differ among themselves
(requestMirror.compare): statuses, headers, types and values of JSON by path, other bodies. No value is shown.

  --all                also places that differ no more than answers of one version do
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 no differences were found, 1 some were, or no such mirror, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  admin: { type: 'string' },
  all: { type: 'boolean' },
  output: { type: 'string', short: 'o' },
} as const;

const HEADER = ['KIND', 'WHERE', 'STABLE', 'MIRROR', 'DIFFERS', 'BY ITSELF'];

/** The command `diff`. */
export const diffCommand: Command = { usage: USAGE, run };

/** A loud line for each mirror whose answers differ; nothing for others. */
export function mirrorLines(mirrors: readonly MirrorStatus[]): string[] {
  return mirrors
    .filter(({ real }) => real > 0)
    .map(({ route, sentence }) => `DIFFERS  mirror of ${route}: ${sentence}`);
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const asked = await asking(adminOf(values.admin, deps), deps, fetchStatus);
  if ('exit' in asked) return asked.exit;
  const [route] = positionals;
  const { mirrors } = asked.answer;
  const shown = route === undefined ? mirrors : mirrors.filter((mirror) => mirror.route === route);
  if (route !== undefined && shown.length === 0) return refuse(noSuch(route, mirrors), deps);
  const told = shown.map((mirror) => (values.all === true ? mirror : onlyReal(mirror)));
  deps.stdout.write(isJson ? `${JSON.stringify({ mirrors: told }, null, 2)}\n` : formatMirrors(told));
  return told.some(({ real }) => real > 0) ? EXIT.failed : EXIT.ok;
}

function onlyReal(mirror: MirrorStatus): MirrorStatus {
  return { ...mirror, differences: mirror.differences.filter(({ isReal }) => isReal) };
}

function noSuch(route: string, mirrors: readonly MirrorStatus[]): string {
  const meant = similarTo(
    route,
    mirrors.map((mirror) => mirror.route),
  );
  return `route ${route} has no mirror that compares${meant === null ? '' : ` (did you mean ${meant}?)`}`;
}

function formatMirrors(mirrors: readonly MirrorStatus[]): string {
  if (mirrors.length === 0) return 'no mirror compares\n';
  return `${mirrors.map((mirror) => mirrorText(mirror).map(visible).join('\n')).join('\n\n')}\n`;
}

function mirrorText(mirror: MirrorStatus): string[] {
  const { route, candidate, since, compared, skipped, failed, differences, real, sentence } = mirror;
  const more = real - differences.filter(({ isReal }) => isReal).length;
  return [
    `${route}  ${candidate}  since ${since}  ${compared} compared, ${skipped} skipped, ${failed} failed`,
    ...uncomparedLine(mirror),
    sentence,
    ...(differences.length === 0 ? [] : table([HEADER, ...differences.map(rowOf)])),
    ...(more > 0 ? [`${more} more are not listed`] : []),
  ];
}

/** What nothing is known of: a mirror that does not answer differs nowhere. */
function uncomparedLine({ compared, uncompared }: MirrorStatus): string[] {
  const reasons = UNCOMPARED_REASONS.filter((reason) => uncompared[reason] > 0);
  const count = reasons.reduce((sum, reason) => sum + uncompared[reason], 0);
  if (count === 0) return [];
  const counts = reasons.map((reason) => `${uncompared[reason]} ${reason}`).join(', ');
  return [`${count} of ${compared + count} uncompared: ${counts}`];
}

function rowOf({ kind, path, from, to, candidate, second, compared, isReal }: DifferenceStatus): string[] {
  const told = isReal ? kind : `(${kind})`;
  return [told, path, from, to, `${candidate} of ${compared}`, `${second} of ${compared}`];
}
