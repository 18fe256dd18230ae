/**
 * `sluice weights`: tells the weights of a route as its source keeps them and as they count, and sets them.
 *
 * Setting is read, change, compare and set: what is not named stays as it is, and whoever was overtaken is told.
 */

import { visibleLines } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import type { VersionWeights, WeightsView } from '../../model/status.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { adminOf, asking, refuse } from './ask/asking.ts';
import { DEFAULT_ADMIN, reasonOf } from './ask/client.ts';
import { fetchWeights, sendWeights, type WeightsReply } from './ask/weights-client.ts';
import { originText } from './status.ts';
import { table } from './table.ts';

const USAGE = `sluice weights get ROUTE [--admin URL]
sluice weights set ROUTE VERSION=WEIGHT … [--revision REVISION] [--reason TEXT] [--admin URL]

  get                  the weights of a route, as its source keeps them and as they count
  set                  change them where they are kept apart from the route: v1=90 v2=10, shop/v1=90 where two services
                       have a v1; v1=default takes v1 out, so that the route's own weight counts; the rest stays
  --revision REVISION  only if they still have the revision that get showed; default: the present one
  --reason TEXT        kept with them
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

set needs the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 done, 1 not done, or not known to be done: look again; 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
  revision: { type: 'string' },
  reason: { type: 'string' },
} as const;
/** More than a request can carry. */
const CHANGES_MAX = 200;
const CHANGE = /^([^=]+)=(default|\d{1,7})$/;

/** The command `weights`. */
export const weightsCommand: Command = { usage: USAGE, run };

/** `null`: the route's own weight. */
type Changes = ReadonlyMap<string, number | null>;

interface Asked {
  readonly adminUrl: string;
  readonly route: string;
  readonly isJson: boolean;
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, CHANGES_MAX + 2);
  const [action, route, ...words] = positionals;
  if (action !== 'get' && action !== 'set') throw usage('weights takes get or set');
  if (route === undefined) throw usage(`weights ${action} takes a route`);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const asked = { adminUrl: adminOf(values.admin, deps), route, isJson };
  const { revision = null, reason = '' } = values;
  if (action === 'set') return set(asked, { changes: changesOf(words), revision, reason }, deps);
  if (words.length > 0 || revision !== null || values.reason !== undefined)
    throw usage('get takes a route and nothing else');
  return get(asked, deps);
}

function usage(message: string): SluiceError {
  return new SluiceError('SLU_USAGE', message);
}

function changesOf(words: readonly string[]): Changes {
  if (words.length === 0) throw usage('weights set takes weights, such as v1=90 v2=10');
  const changes = new Map<string, number | null>();
  for (const word of words) {
    const [, version = '', weight = ''] = CHANGE.exec(word) ?? [];
    if (version === '') throw usage(`expected VERSION=WEIGHT with a whole number, or VERSION=default, got ${word}`);
    if (changes.has(version)) throw usage(`${version} is there twice`);
    changes.set(version, weight === 'default' ? null : Number(weight));
  }
  return changes;
}

async function get({ adminUrl, route, isJson }: Asked, deps: CliDeps): Promise<number> {
  const view = await look(adminUrl, route, deps);
  if (typeof view === 'number') return view;
  deps.stdout.write(isJson ? `${JSON.stringify(view, null, 2)}\n` : visibleLines(weightsText(view)));
  if (view.problem !== '' && !isJson) deps.stderr.write(`sluice: ${view.problem}\n`);
  return view.document !== '' && view.revision === null ? EXIT.failed : EXIT.ok;
}

interface Setting {
  readonly changes: Changes;
  /** Null: the present one. */
  readonly revision: string | null;
  readonly reason: string;
}

async function set(asked: Asked, { changes, revision, reason }: Setting, deps: CliDeps): Promise<number> {
  const { adminUrl, route } = asked;
  const view = await look(adminUrl, route, deps);
  if (typeof view === 'number') return view;
  const unseen = unseenIn(view, { changes, revision });
  if (view.revision === null || unseen !== '') return refuse(unseen, deps);
  const weights = changed(view, changes);
  const token = deps.env['SLUICE_ADMIN_TOKEN'];
  let reply: WeightsReply;
  try {
    reply = await sendWeights(adminUrl, { route, weights, reason, revision: view.revision, token });
  } catch (error) {
    const because = `no answer from ${adminUrl} (${reasonOf(error)})`;
    return refuse(`unknown whether the weights of ${route} were written, look again: ${because}`, deps);
  }
  return told(reply, asked, deps);
}

/** Why nobody can say what those that are not named would stay at: they are taken from what was just read. Empty: one can. */
function unseenIn(view: WeightsView, { changes, revision }: Pick<Setting, 'changes' | 'revision'>): string {
  const { document, problem, versions } = view;
  if (view.revision === null) return problem;
  if (revision !== null && revision !== view.revision) {
    const now = view.weights === null ? '' : `; now ${listed(view.weights)}`;
    return `${document} is not at revision ${revision}: it has revision ${view.revision} now; look at it and set it again${now}`;
  }
  if (view.weights !== null || problem === '') return '';
  const named = [...changes].filter(([, weight]) => weight !== null);
  const isWhole = versions.every(({ service, version }) =>
    named.some(([key]) => isSame(key, `${service}/${version}`, versions)),
  );
  return isWhole ? '' : `${document}: ${problem}; mend it, or name every version of the route`;
}

/** The document as it is to be; of two ways to name a version the one that is there already. */
function changed({ weights, versions }: WeightsView, changes: Changes): Record<string, number> {
  const next = new Map(Object.entries(weights ?? {}));
  for (const [key, weight] of changes) {
    const known = [...next.keys()].find((name) => isSame(name, key, versions)) ?? key;
    if (weight === null) next.delete(known);
    else next.set(known, weight);
  }
  return Object.fromEntries(next);
}

/** Whether `v1` and `shop/v1` are the same version of the route. */
function isSame(a: string, b: string, versions: readonly VersionWeights[]): boolean {
  if (a === b) return true;
  const named = (key: string): VersionWeights[] =>
    versions.filter(({ service, version }) => key === version || key === `${service}/${version}`);
  const [one, other] = [named(a), named(b)];
  return one.length === 1 && other.length === 1 && one[0] === other[0];
}

function told(reply: WeightsReply, { route, isJson }: Asked, deps: CliDeps): number {
  if ('written' in reply) {
    const { document, revision } = reply.written;
    const text = `${route}: written to ${document}, revision ${revision}`;
    deps.stdout.write(isJson ? `${JSON.stringify(reply.written, null, 2)}\n` : `${text}\n`);
    return EXIT.ok;
  }
  if (isJson) deps.stdout.write(`${JSON.stringify(reply, null, 2)}\n`);
  const present = reply.present?.weights ?? null;
  const now = present === null ? '' : `; now ${listed(present)}`;
  return refuse(`${reply.refused}${now}`, deps, reply.status);
}

/** What is there, or the exit code after saying why it cannot be seen. */
async function look(adminUrl: string, route: string, deps: CliDeps): Promise<WeightsView | number> {
  const asked = await asking(adminUrl, deps, () => fetchWeights(adminUrl, route));
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  return 'refused' in answer ? refuse(answer.refused, deps) : answer;
}

function listed(weights: Readonly<Record<string, number>>): string {
  return Object.entries(weights)
    .map(([version, weight]) => `${version}=${weight}`)
    .join(' ');
}

/** What is kept, then what counts in this gateway, ending in a newline. */
export function weightsText(view: WeightsView): string {
  const { route, document, revision, weights, reason, inForce, versions } = view;
  const kept = keptText(view);
  const isHere = inForce?.revision === revision || (inForce === null && revision === '0');
  const here = isHere ? [] : [`in force ${inForce === null ? 'weights of the route' : originText(inForce)}`];
  const rows = [['', 'weight', 'set', 'by', 'route’s own'], ...versions.map(rowOf)];
  const why = versions
    .filter(({ weightBecause }) => weightBecause !== '')
    .map(
      ({ service, version, weight, weightBecause }) => `${service} ${version} has weight ${weight}: ${weightBecause}`,
    );
  const said = weights === null ? [] : [`kept     ${listed(weights)}${reason === '' ? '' : `  ${reason}`}`];
  const where = document === '' ? [] : [`document ${document}  ${kept}`];
  return `${[`route ${route}`, ...where, ...said, ...here, ...table(rows, 'right').map((line) => `  ${line}`), ...why].join('\n')}\n`;
}

function keptText({ revision }: WeightsView): string {
  if (revision === null) return 'cannot be read now';
  return revision === '0' ? 'there is none yet, revision 0' : `revision ${revision}`;
}

function rowOf({ service, version, weight, weightConfigured, weightFrom, weightOfRoute }: VersionWeights): string[] {
  const by = weightFrom === 'weights' ? 'weights' : 'route';
  return [`${service} ${version}`, String(weight), String(weightConfigured), by, String(weightOfRoute)];
}
