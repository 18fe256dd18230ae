/**
 * `sluice tap`: requests of a running gateway as they end, by a filter and at a bounded rate.
 */

import { nowMs } from '../../lib/clock.ts';
import { visible } from '../../lib/text/visible.ts';
import { adminOf, refuse } from '../admin/ask/asking.ts';
import { openStream } from '../admin/ask/board-client.ts';
import { DEFAULT_ADMIN, reasonOf } from '../admin/ask/client.ts';
import { readArgs, readChoice, readNumber } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { endingOf } from './ending.ts';
import type { StreamEvent } from './sse.ts';

const COUNT_MAX = 1_000_000;
/** Between two words about what was not shown. */
const NOTE_MS = 10_000;

const USAGE = `sluice tap [--route NAME] [--version V] [--color C] [--status S] [--outcome O] [--rate N] [--count N]
           [--admin URL] [-o json]

Shows requests of a running gateway when they are over, until it is interrupted: what the access log knows of them, and as little of
queries, cookies and credentials as the log. It needs the token. At most so many a second are shown, spread over time; what a
filter let through and was not shown is counted, and said on standard error. A version with * was pinned by a color.

  --route NAME         only of this route
  --version V          only answered by this version, or failed by it before another one answered
  --color C            only where this color pinned the version
  --status S           only answered with: 404, 5xx, 400-499, or none for those that got no response
  --outcome O          only failed (5xx, rescued, or failed by an upstream or the gateway), ok, or for a reason as in no_endpoint
  --rate N             at most so many a second, 1 to 100; default 10
  --count N            end after so many; default when it is interrupted
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json (a line for each request, with the fields of the access log); default text
  -h, --help           this text

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 cannot reach the admin server, or it has gone, 130 interrupted.
`;

const OPTIONS = {
  route: { type: 'string' },
  version: { type: 'string' },
  color: { type: 'string' },
  status: { type: 'string' },
  outcome: { type: 'string' },
  rate: { type: 'string' },
  count: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

const FILTERS = ['route', 'version', 'color', 'status', 'outcome', 'rate'] as const;

/** The command `tap`. */
export const tapCommand: Command = { usage: USAGE, run };

/** Since the beginning. */
interface Counts {
  readonly matched: number;
  readonly shown: number;
  readonly overRate: number;
  readonly dropped: number;
}

/** What is shown of a request here; JSON has all of it. */
export interface TappedRequest {
  readonly time: string;
  readonly client: string;
  readonly method: string | null;
  readonly host: string | null;
  readonly path: string | null;
  readonly status: number | null;
  readonly reason: string;
  readonly route: string | null;
  readonly version: string | null;
  readonly rescuedFrom: string | null;
  readonly endpoint: string | null;
  readonly attempts: number;
  readonly durationMs: number;
  readonly fallback: string | null;
  readonly pinned: boolean;
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const adminUrl = adminOf(values.admin, deps);
  const url = new URL('/api/v1/tap', adminUrl);
  for (const name of FILTERS) if (values[name] !== undefined) url.searchParams.set(name, values[name]);
  const countMax = Math.floor(readNumber('--count', values.count, Number.POSITIVE_INFINITY, [1, COUNT_MAX]));
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const ending = endingOf(deps);
  try {
    const opened = await openStream(url, ending.signal, deps.env['SLUICE_ADMIN_TOKEN']);
    if ('refused' in opened) return refuse(opened.refused, deps, opened.status);
    if (await show(opened.events, { countMax, isJson }, deps)) return EXIT.ok;
    if (ending.signal.aborted) return ending.code();
    deps.stderr.write(`sluice: ${adminUrl} has ended the stream\n`);
    return EXIT.unreachable;
  } catch (error) {
    if (ending.signal.aborted) return ending.code();
    deps.stderr.write(`sluice: cannot reach the admin server at ${adminUrl}: ${visible(reasonOf(error))}\n`);
    return EXIT.unreachable;
  } finally {
    ending.release();
  }
}

interface Wishes {
  readonly countMax: number;
  readonly isJson: boolean;
}

/** Shows what comes. @returns whether it was enough; else the stream has ended */
async function show(
  events: AsyncIterable<StreamEvent>,
  { countMax, isJson }: Wishes,
  { stdout, stderr }: CliDeps,
): Promise<boolean> {
  let shown = 0;
  const losses = new Losses((text) => stderr.write(text));
  try {
    for await (const { name, data } of events) {
      if (name === 'counts') losses.hear(JSON.parse(data) as Counts);
      if (name !== 'request') continue;
      stdout.write(isJson ? `${data}\n` : requestLine(JSON.parse(data) as TappedRequest));
      shown++;
      if (shown >= countMax) return true;
    }
    return false;
  } finally {
    losses.say();
  }
}

/** Says what was not shown: when it begins, at most every `NOTE_MS` then, and at the end. */
class Losses {
  readonly #write: (text: string) => void;
  #counts: Counts = { matched: 0, shown: 0, overRate: 0, dropped: 0 };
  #said = 0;
  #saidAtMs = Number.NEGATIVE_INFINITY;

  constructor(write: (text: string) => void) {
    this.#write = write;
  }

  hear(counts: Counts): void {
    this.#counts = counts;
    if (nowMs() - this.#saidAtMs >= NOTE_MS) this.say();
  }

  say(): void {
    const { matched, shown, overRate, dropped } = this.#counts;
    if (overRate + dropped === this.#said) return;
    this.#said = overRate + dropped;
    this.#saidAtMs = nowMs();
    const because = `${overRate} over the rate, ${dropped} dropped as somebody was too slow`;
    this.#write(`sluice: ${shown} of ${matched} requests shown: ${because}\n`);
  }
}

/** A request as people read it, ending in a newline. */
export function requestLine(request: TappedRequest): string {
  const { time, client, method, host, path, status, route, version, durationMs, endpoint } = request;
  const target = method === null ? '(head refused)' : `${method} ${host ?? ''}${path ?? ''}`;
  const by = route === null ? '-' : `${route}${version === null ? '' : `/${version}`}${request.pinned ? '*' : ''}`;
  const answered = [time, String(status ?? '---'), `${durationMs.toFixed(1).padStart(8)} ms`, by.padEnd(16)];
  const line = [...answered, target, `from ${client}`, endpoint === null ? '' : `to ${endpoint}`, noteOf(request)];
  return `${visible(line.filter((part) => part !== '').join('  '))}\n`;
}

/** What was not as usual, or empty. */
function noteOf({ reason, rescuedFrom, attempts, fallback }: TappedRequest): string {
  const notes = [
    reason === 'none' ? '' : reason,
    rescuedFrom === null ? '' : `rescued from ${rescuedFrom}`,
    fallback === null ? '' : `fallback ${fallback}`,
    attempts > 1 ? `${attempts} attempts` : '',
  ];
  return notes.filter((note) => note !== '').join(', ');
}
