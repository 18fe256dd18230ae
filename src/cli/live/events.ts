/**
 * `sluice events`: what happened in a running gateway: decisions, reverts, configurations; once, or as it happens.
 */

import { visible } from '../../lib/text/visible.ts';
import { adminOf, asking, refuse } from '../admin/ask/asking.ts';
import { fetchEvents, type GatewayEvent, openStream } from '../admin/ask/board-client.ts';
import { DEFAULT_ADMIN, reasonOf } from '../admin/ask/client.ts';
import { readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { type Ending, endingOf, pause } from './ending.ts';

/** Between two attempts to reach a gateway again. */
const AGAIN_MS = 1000;

const USAGE = `sluice events [--follow] [--route NAME] [--kind KIND] [--facts] [--admin URL] [-o json]

Shows what happened, oldest first: decisions about rollouts, reverts, and configurations that came in force; the newest 40. Older
decisions are shown by sluice decisions.

  -f, --follow         go on with what happens, until it is interrupted; a gateway that is away is waited for
  --route NAME         only of this route
  --kind KIND          only of this kind, as in rollback
  --facts              with the numbers behind each
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json (a line for each event); default text
  -h, --help           this text

Exit codes: 0 done, 1 refused, 2 wrong usage, 3 cannot reach the admin server, 130 interrupted.
`;

const OPTIONS = {
  follow: { type: 'boolean', short: 'f' },
  route: { type: 'string' },
  kind: { type: 'string' },
  facts: { type: 'boolean' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `events`. */
export const eventsCommand: Command = { usage: USAGE, run };

interface Wishes {
  readonly route: string | undefined;
  readonly kind: string | undefined;
  readonly hasFacts: boolean;
  readonly isJson: boolean;
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const { route, kind } = values;
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const wishes: Wishes = { route, kind, hasFacts: values.facts === true, isJson };
  const adminUrl = adminOf(values.admin, deps);
  const asked = await asking(adminUrl, deps, fetchEvents);
  if ('exit' in asked) return asked.exit;
  const tell = teller(wishes, deps);
  tell(asked.answer);
  return values.follow === true ? follow(adminUrl, tell, deps) : EXIT.ok;
}

/** Tells events that were not told yet. Whoever follows is given the newest again and again. */
function teller(wishes: Wishes, { stdout }: CliDeps): (events: readonly GatewayEvent[]) => void {
  let told: ReadonlySet<string> = new Set();
  return (events) => {
    const known = told;
    const fresh = events.filter((event) => !known.has(keyOf(event)));
    told = new Set(events.map(keyOf));
    const text = fresh.filter((event) => isWished(event, wishes)).map((event) => textOf(event, wishes));
    if (text.length > 0) stdout.write(text.join(''));
  };
}

/** Ids begin anew with a gateway that keeps no state. */
function keyOf({ id, atMs }: GatewayEvent): string {
  return `${id} ${atMs}`;
}

function isWished(event: GatewayEvent, { route, kind }: Wishes): boolean {
  return (route === undefined || event.route === route) && (kind === undefined || event.kind === kind);
}

/** An event as people read it, or as a line of JSON, ending in a newline. */
export function textOf(event: GatewayEvent, { hasFacts, isJson }: Pick<Wishes, 'hasFacts' | 'isJson'>): string {
  const { id, atMs, kind, route, sentence, facts } = event;
  const at = new Date(atMs).toISOString();
  if (isJson) return `${JSON.stringify({ id, at, kind, route, sentence, facts: Object.fromEntries(facts) })}\n`;
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const more = hasFacts ? facts.map(([name, value]) => `    ${name.padEnd(width)}  ${value}`) : [];
  const lines = [`${at}  ${kind.padEnd(8)}  ${route === '' ? '' : `${route}: `}${sentence}`, ...more];
  return `${lines.map(visible).join('\n')}\n`;
}

async function follow(
  adminUrl: string,
  tell: (events: readonly GatewayEvent[]) => void,
  deps: CliDeps,
): Promise<number> {
  const ending = endingOf(deps);
  try {
    let isAway = false;
    do {
      const came = await listen(adminUrl, tell, ending);
      if (ending.signal.aborted) break;
      if (came.status >= 400 && came.status < 500) return refuse(came.because, deps, came.status);
      if (!isAway || came.hasBegun) deps.stderr.write(`sluice: ${visible(came.because)}; trying again\n`);
      isAway = true;
    } while (await pause(ending, AGAIN_MS));
    return ending.code();
  } finally {
    ending.release();
  }
}

/** Why a stream ended. @param status of a refusal; else 0 */
interface Came {
  readonly status: number;
  readonly hasBegun: boolean;
  readonly because: string;
}

/** Listens to one stream until it ends. Never rejects. */
async function listen(
  adminUrl: string,
  tell: (events: readonly GatewayEvent[]) => void,
  { signal }: Ending,
): Promise<Came> {
  let hasBegun = false;
  try {
    const opened = await openStream(new URL('/api/v1/live', adminUrl), signal);
    if ('refused' in opened) return { status: opened.status, hasBegun, because: opened.refused };
    for await (const { name, data } of opened.events) {
      hasBegun = true;
      if (name === 'events') tell((JSON.parse(data) as readonly GatewayEvent[]).toReversed());
    }
    return { status: 0, hasBegun, because: `${adminUrl} has ended the stream` };
  } catch (error) {
    return { status: 0, hasBegun, because: `cannot reach the admin server at ${adminUrl}: ${reasonOf(error)}` };
  }
}
