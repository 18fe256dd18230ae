/**
 * `sluice rollout`: tells where a rollout stands, and gives it a person's commands.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../lib/clock.ts';
import { similarTo } from '../../lib/text/similar.ts';
import { visibleLines } from '../../lib/text/visible.ts';
import { SluiceError } from '../../model/problem.ts';
import { ROLLOUT_COMMANDS, type RolloutCommandName } from '../../model/rollout.ts';
import { addressesAmong, type RoutePart, type Verdict } from '../../model/slo.ts';
import type { RolloutStatus, RouteStatus, ShadowStatus, Status } from '../../model/status.ts';
import { didYouMean, readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { show as showDecisions } from '../log/decisions.ts';
import { millisecondsOf } from '../slo/check/openslo.ts';
import { adminOf, asking, refuse } from './ask/asking.ts';
import { DEFAULT_ADMIN, fetchDecisions, fetchStatus, sendCommand } from './ask/client.ts';

const ACTIONS = ['status', 'history', ...ROLLOUT_COMMANDS] as const;

const ENDED: ReadonlySet<string> = new Set(['succeeded', 'rolled-back']);
/** Between two looks at a rollout that is waited for. */
const LOOK_MS = 500;
const TIMEOUT_MS_MAX = 7 * 24 * 3_600_000;

const USAGE = `sluice rollout status ROUTE [--timeout DURATION] [--admin URL]
sluice rollout history ROUTE [--admin URL]
sluice rollout start|pause|resume|promote|abort|undo ROUTE [--reason TEXT] [--fix] [--admin URL]

  status               state, step and gates of the rollout of a route
  history              what was decided about it, oldest first; sluice why tells the newest one with its numbers
  start                begin at the first step, if the error budget allows it
  pause, resume        stand still at the present weight, and go on
  promote              go to the next step whatever its other gates say, if the budget allows it, told as forced;
                       from the last one, for good
  abort                weight 0 at once
  undo                 back to the state before the last command, if nothing moved since
  --timeout DURATION   of status: wait so long at most, as in 5m, until the rollout has ended
  --reason TEXT        for the decision log
  --fix                this release mends what spends the error budget: go on although it is exhausted; needs a reason
  --admin URL          admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Where several routes share a rollout, ROUTE is the one that leads it.
Commands need the token of the admin server in $SLUICE_ADMIN_TOKEN.
Exit codes: 0 done (status: not rolled back; with --timeout: it succeeded), 1 refused (status: rolled back, no such rollout,
or --timeout is over; history: no such route), 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
  reason: { type: 'string' },
  fix: { type: 'boolean' },
  timeout: { type: 'string' },
} as const;

/** The command `rollout`. */
export const rolloutCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 2);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const action = readAction(positionals[0]);
  const route = positionals[1];
  if (route === undefined) throw new SluiceError('SLU_USAGE', `rollout ${action} takes a route`);
  const adminUrl = adminOf(values.admin, deps);
  if ((action === 'status' || action === 'history') && (values.reason !== undefined || values.fix === true)) {
    throw new SluiceError('SLU_USAGE', `${action} takes neither --reason nor --fix`);
  }
  const timeoutMs = values.timeout === undefined ? null : timeoutOf(values.timeout);
  const isTimeout = timeoutMs !== null && timeoutMs > 0 && timeoutMs <= TIMEOUT_MS_MAX && action === 'status';
  if (values.timeout !== undefined && !isTimeout) {
    throw new SluiceError(
      'SLU_USAGE',
      `--timeout goes with status and takes a duration such as 5m or 2h, at most 168h, got ${values.timeout}`,
    );
  }
  if (action === 'status') return show(adminUrl, { route, isJson, timeoutMs }, deps);
  if (action === 'history') return history(adminUrl, route, isJson, deps);
  const wishes = { reason: values.reason ?? '', fix: values.fix === true };
  return command(adminUrl, { action, route, wishes, isJson }, deps);
}

/** Null: it is no duration. */
function timeoutOf(text: string): number | null {
  const [, hours] = /^(\d{1,6})h$/.exec(text) ?? [];
  return hours === undefined ? millisecondsOf(text) : Number(hours) * 3_600_000;
}

function readAction(text: string | undefined): (typeof ACTIONS)[number] {
  const action = ACTIONS.find((known) => known === text);
  if (action !== undefined) return action;
  const hint = text === undefined ? '' : didYouMean(similarTo(text, ACTIONS));
  const got = text === undefined ? '' : `, got ${text}${hint}`;
  throw new SluiceError('SLU_USAGE', `rollout takes one of ${ACTIONS.join(', ')}${got}`);
}

interface Shown {
  readonly route: string;
  readonly isJson: boolean;
  /** How long the end is waited for; null: not at all. */
  readonly timeoutMs: number | null;
}

async function show(adminUrl: string, { route, isJson, timeoutMs }: Shown, deps: CliDeps): Promise<number> {
  const asked = await asking(adminUrl, deps, (url) => statusAtEnd(url, route, timeoutMs ?? 0));
  if ('exit' in asked) return asked.exit;
  const { routes } = asked.answer;
  const found = routes.find(({ name }) => name === route);
  const rollout = found?.rollout ?? null;
  if (found === undefined || rollout === null) {
    const leader = routes.find((one) => one.rollout?.routes?.includes(route) === true)?.name;
    if (leader !== undefined) {
      return refuse(`route ${route} moves with the rollout of ${leader}: sluice rollout status ${leader}`, deps);
    }
    const known = routes.filter((one) => one.rollout !== null).map(({ name }) => name);
    const others = known.length === 0 ? 'no route has one' : `routes with one: ${known.slice(0, 5).join(', ')}`;
    return refuse(`route ${route} has no rollout; ${others}`, deps);
  }
  deps.stdout.write(
    isJson ? `${JSON.stringify(rollout, null, 2)}\n` : visibleLines(`${rolloutText(found, rollout)}\n`),
  );
  if (rollout.state === 'rolled-back') return EXIT.failed;
  if (timeoutMs === null || rollout.state === 'succeeded') return EXIT.ok;
  return refuse(`route ${route}: its rollout has not ended in ${timeoutMs / 1000} s, it is ${rollout.state}`, deps);
}

/** Also of a route that has gone: what was decided about it is known still. */
async function history(adminUrl: string, route: string, isJson: boolean, deps: CliDeps): Promise<number> {
  const asked = await asking(adminUrl, deps, (url) => Promise.all([fetchDecisions(url), fetchStatus(url)]));
  if ('exit' in asked) return asked.exit;
  const [decisions, { routes }] = asked.answer;
  const own = decisions.filter((decision) => decision.route === route);
  const names = [...new Set([...routes.map(({ name }) => name), ...decisions.map((decision) => decision.route)])];
  if (!names.includes(route)) return refuse(`there is no route ${route}${didYouMean(similarTo(route, names))}`, deps);
  if (own.length === 0 && !isJson) deps.stdout.write(visibleLines(`nothing was decided about ${route} yet\n`));
  else showDecisions(own, isJson, deps);
  return EXIT.ok;
}

/**
 * The status once the rollout of a route has ended, or has none; at the latest after `timeoutMs`, whatever it is then. Questions
 * but the first and the last may fail: the gateway may be restarted meanwhile.
 */
async function statusAtEnd(adminUrl: string, route: string, timeoutMs: number): Promise<Status> {
  const endMs = nowMs() + timeoutMs;
  for (let status: Status | null = await fetchStatus(adminUrl); ; ) {
    const state = status?.routes.find(({ name }) => name === route)?.rollout?.state;
    if (status !== null && (timeoutMs === 0 || state === undefined || ENDED.has(state))) return status;
    const leftMs = endMs - nowMs();
    if (leftMs <= 0) return status ?? (await fetchStatus(adminUrl));
    await sleep(Math.min(LOOK_MS, leftMs));
    status = await fetchStatus(adminUrl).catch(() => null);
  }
}

/** The block of text about one rollout, without a newline at its end: the weights of its leading route, which are those of all. */
export function rolloutText({ versions }: RouteStatus, rollout: RolloutStatus): string {
  const weights = versions
    .filter(({ version }) => version === rollout.stable || version === rollout.canary)
    .map(({ version, weight, weightConfigured }) => `${version} ${weight} (configured ${weightConfigured})`);
  return [rollout.sentence, `weights  ${weights.join(', ')}`, ...rolloutLines(rollout)].join('\n');
}

/** Routes, endpoints whose failures were left out, step, gates, what comes next, and shadows, a line each. */
export function rolloutLines({ routes, verdict, step, gates, next, shadows }: RolloutStatus): string[] {
  const parts = verdict?.routes ?? [];
  const told = parts.length > 0 ? parts.map(routeLine) : routes === undefined ? [] : [`routes   ${routes.join(', ')}`];
  return [...told, ...sparedLines(verdict), ...progressLines({ step, gates, next }), ...shadows.map(shadowLine)];
}

function progressLines({ step, gates, next }: Pick<RolloutStatus, 'step' | 'gates' | 'next'>): string[] {
  if (next === '') return [];
  const place = step === null ? [] : [`step     ${step.number} of ${step.count}, ${step.percent} % of users`];
  const lines = gates.map(({ name, isPassed, sentence }) => `${isPassed ? '[+]' : '[-]'} ${name.padEnd(9)}${sentence}`);
  return [...place, ...lines, `next     ${next}`];
}

/** `spared   10.0.0.7:8080: its failures were left out` */
function sparedLines(verdict: Verdict | null): string[] {
  const names = addressesAmong(verdict?.errors.spared ?? []);
  return names.map((name) => `spared   ${name}: its failures were left out, one sick endpoint condemns no version`);
}

/** `route    pay: 12 of 14 canary requests failed, evidence 9.1 nats by itself` */
function routeLine({ route, requests: { canary }, logE }: RoutePart): string {
  return `route    ${route}: ${canary.bad} of ${canary.finished} canary requests failed, evidence ${logE.toFixed(1)} nats by itself`;
}

function shadowLine({ name, state, logE, logEToFail, hasDecided }: ShadowStatus): string {
  const did = hasDecided ? 'would have rolled back' : state;
  return `shadow   ${name}: ${did}, evidence ${logE.toFixed(1)} of ${logEToFail.toFixed(1)} nats`;
}

interface Asked {
  readonly action: RolloutCommandName;
  readonly route: string;
  readonly wishes: { readonly reason: string; readonly fix: boolean };
  readonly isJson: boolean;
}

async function command(adminUrl: string, { action, route, wishes, isJson }: Asked, deps: CliDeps): Promise<number> {
  const request = { route, name: action, ...wishes, token: deps.env['SLUICE_ADMIN_TOKEN'] };
  const asked = await asking(adminUrl, deps, () => sendCommand(adminUrl, request));
  if ('exit' in asked) return asked.exit;
  const { answer } = asked;
  if ('refused' in answer) return refuse(answer.refused, deps, answer.status);
  if ('waiting' in answer) {
    deps.stdout.write(isJson ? `${JSON.stringify(answer, null, 2)}\n` : visibleLines(`${answer.waiting}\n`));
    return EXIT.ok;
  }
  deps.stdout.write(
    isJson ? `${JSON.stringify(answer.decision, null, 2)}\n` : visibleLines(`${answer.decision.sentence}\n`),
  );
  return EXIT.ok;
}
