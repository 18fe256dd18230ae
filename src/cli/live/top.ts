/**
 * `sluice top`: the routes that matter most now: traffic, errors, slowness and how fast they burn their error budgets.
 */

import { visible } from '../../lib/text/visible.ts';
import type { Status } from '../../model/status.ts';
import { adminOf, asking } from '../admin/ask/asking.ts';
import { fetchSeconds } from '../admin/ask/board-client.ts';
import { DEFAULT_ADMIN, fetchStatus, reasonOf } from '../admin/ask/client.ts';
import { table } from '../admin/table.ts';
import { readArgs, readChoice, readNumber } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { type Ending, endingOf, pause, untilEnd } from './ending.ts';
import { createFrames, type Frames } from './frames.ts';
import { type RouteTraffic, SORT_KEYS, type SortKey, sorted, trafficBetween } from './traffic.ts';

const EVERY_S = 2;
const EVERY_S_RANGE = [0.1, 3600] as const;
const LIMIT = 20;
/** As many as the gateway keeps the newest second of. */
const LIMIT_MAX = 24;
const COUNT_MAX = 1_000_000;

const USAGE = `sluice top [--sort traffic|errors|p99|burn|name] [--limit N] [--every S] [--count N] [--admin URL] [-o json]

Shows the routes that matter most, between one look and the next: requests per second, errors, p99 of the newest second (of the
slowest version), requests under way, how fast the error budget burns (5 minutes) and what is left of it, and the rollout.

  --sort KEY           what comes first: traffic, errors, p99, burn, name; default traffic
  --limit N            routes that are shown, 1 to ${LIMIT_MAX}; default ${LIMIT}
  --every S            seconds from one look to the next; default ${EVERY_S}
  --count N            end after so many tables; default when it is interrupted
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json (a line for each table); default text
  -h, --help           this text

By p99 routes are chosen by their p99 since the start. Exit codes: 0 done, 2 wrong usage, 3 cannot reach the admin server,
130 interrupted.
`;

const OPTIONS = {
  sort: { type: 'string' },
  limit: { type: 'string' },
  every: { type: 'string' },
  count: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `top`. */
export const topCommand: Command = { usage: USAGE, run };

interface Asked {
  readonly adminUrl: string;
  readonly sort: SortKey;
  readonly limit: number;
  readonly everyMs: number;
  readonly countMax: number;
  readonly isJson: boolean;
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const asked: Asked = {
    adminUrl: adminOf(values.admin, deps),
    sort: readChoice('--sort', values.sort, SORT_KEYS),
    limit: Math.floor(readNumber('--limit', values.limit, LIMIT, [1, LIMIT_MAX])),
    everyMs: readNumber('--every', values.every, EVERY_S, EVERY_S_RANGE) * 1000,
    countMax: Math.floor(readNumber('--count', values.count, Number.POSITIVE_INFINITY, [1, COUNT_MAX])),
    isJson: readChoice('--output', values.output, ['text', 'json']) === 'json',
  };
  const first = await asking(asked.adminUrl, deps, fetchStatus);
  if ('exit' in first) return first.exit;
  const ending = endingOf(deps);
  const frames = createFrames(deps.stdout);
  try {
    return await tables(first.answer, asked, { deps, ending, frames });
  } finally {
    frames.end();
    ending.release();
  }
}

interface Showing {
  readonly deps: CliDeps;
  readonly ending: Ending;
  readonly frames: Frames;
}

async function tables(first: Status, asked: Asked, { deps, ending, frames }: Showing): Promise<number> {
  let before = first;
  for (let shown = 0; shown < asked.countMax; ) {
    if (!(await pause(ending, asked.everyMs))) return ending.code();
    const look = await untilEnd(ending, lookAt(before, asked).catch(reasonOf));
    if (look === null) return ending.code();
    if (typeof look === 'string') {
      if (asked.countMax !== Number.POSITIVE_INFINITY) return unreachable(asked.adminUrl, look, deps);
      frames.show([`cannot reach the admin server at ${asked.adminUrl}: ${look}`]);
      continue;
    }
    shown++;
    before = look.status;
    if (asked.isJson) deps.stdout.write(`${JSON.stringify(look.told)}\n`);
    // Elsewhere than on a terminal each table is a whole: lines that stay the same are told again.
    else if (frames.isTerminal) frames.show(tableLines(look, asked));
    else deps.stdout.write(`${tableLines(look, asked).map(visible).join('\n')}\n\n`);
  }
  return EXIT.ok;
}

function unreachable(adminUrl: string, because: string, { stderr }: CliDeps): number {
  stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${visible(because)}\n`);
  return EXIT.unreachable;
}

/** One look: what happened since the one before. */
interface Look {
  readonly status: Status;
  readonly told: { readonly at: string; readonly routesTotal: number; readonly routes: readonly RouteTraffic[] };
}

async function lookAt(before: Status, { adminUrl, sort, limit }: Asked): Promise<Look> {
  const status = await fetchStatus(adminUrl);
  const chosen = sorted(trafficBetween(before, status), sort).slice(0, limit);
  const { at, p99Ms } = await fetchSeconds(
    adminUrl,
    chosen.map(({ route }) => route),
  );
  const routes = sorted(
    chosen.map((row) => ({ ...row, p99Ms: p99Ms.get(row.route) ?? null })),
    sort,
  );
  return { status, told: { at, routesTotal: status.routes.length, routes } };
}

function tableLines({ status, told: { at, routesTotal, routes } }: Look, { sort }: Asked): string[] {
  const header = ['route', 'requests/s', 'errors', 'p99', 'under way', 'burn 5m', 'budget left', 'rollout'];
  const ready = status.ready ? '' : `  not ready: ${status.notReadyBecause}`;
  const total = routes.reduce((sum, { requestsPerSecond }) => sum + requestsPerSecond, 0);
  return [
    `sluice ${status.version}  ${at}  ${routes.length} of ${routesTotal} routes by ${sort}, ${figure(total)} requests/s${ready}`,
    ...table([header, ...routes.map(rowTexts)], 'right'),
  ];
}

function rowTexts(row: RouteTraffic): string[] {
  return [
    row.route,
    figure(row.requestsPerSecond),
    percent(row.errorRatio),
    row.p99Ms === null ? '-' : `${row.p99Ms.toPrecision(3)} ms`,
    String(row.inFlight),
    row.burn === null ? '-' : `${figure(row.burn)}x`,
    percent(row.remainingRatio),
    row.rollout,
  ];
}

function percent(ratio: number | null): string {
  return ratio === null ? '-' : `${Number((ratio * 100).toPrecision(3))} %`;
}

/** Three digits that matter, all of whole numbers. */
function figure(value: number): string {
  return `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))}`;
}
