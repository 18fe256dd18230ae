/**
 * `sluice why`: why something happened: the decision behind it in one sentence, and the numbers that prove it.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { visibleLines } from '../../lib/text/visible.ts';
import { formatProblem } from '../../model/problem.ts';
import type { LoggedDecision } from '../../model/slo.ts';
import type { RouteStatus, Status } from '../../model/status.ts';
import { adminOf, asking, refuse } from '../admin/ask/asking.ts';
import { DEFAULT_ADMIN, fetchDecisions, fetchStatus } from '../admin/ask/client.ts';
import { didYouMean, readArgs, readChoice } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { sampleText } from '../slo/list.ts';
import { decisionsIn } from './decisions.ts';
import { proofLines } from './proof.ts';

const USAGE = `sluice why [ROUTE | REQUEST | DECISION] [--state DIR] [--admin URL] [-o json]

Tells why the newest decision was made, in one sentence, with the numbers that prove it; then how things stand now, and what keeps a
rollout from going on.

  ROUTE                the newest decision about a route; without any: what its weights rest on
  REQUEST              the decision that names this request, each keeps the ids of up to five bad ones; else what came of
                       the request, if it is among the newest of its route that were bad or late
  DECISION             a decision by its number, as in 12
  --state DIR          decisions of a gateway's state directory, also when it does not run; default: ask the gateway
  --admin URL          its admin server; default $SLUICE_ADMIN, else ${DEFAULT_ADMIN}
  -o, --output FORMAT  text, json; default text
  -h, --help           this text

Exit codes: 0 told, 1 nothing is known of it, 2 wrong usage, 3 cannot reach the admin server.
`;

const OPTIONS = {
  state: { type: 'string' },
  admin: { type: 'string' },
  output: { type: 'string', short: 'o' },
} as const;

/** The command `why`. */
export const whyCommand: Command = { usage: USAGE, run };

/** Requests of either kind that are shown of a route; sluice slo get shows all that are kept. */
const SHOWN_MAX = 3;

/** What is known. */
interface Known {
  /** Oldest first. */
  readonly decisions: readonly LoggedDecision[];
  /** Null: no gateway was asked. */
  readonly status: Status | null;
}

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values, positionals } = readArgs(argv, OPTIONS, 1);
  const isJson = readChoice('--output', values.output, ['text', 'json']) === 'json';
  const [subject = ''] = positionals;
  let known: Known;
  if (values.state !== undefined) known = { decisions: decisionsIn(await deps.log(), values.state), status: null };
  else {
    const asked = await asking(adminOf(values.admin, deps), deps, async (adminUrl) => {
      return { decisions: await fetchDecisions(adminUrl), status: await fetchStatus(adminUrl) };
    });
    if ('exit' in asked) return asked.exit;
    known = asked.answer;
  }
  const found = answerOf(subject, known);
  if (typeof found === 'string') return refuse(found, deps);
  deps.stdout.write(isJson ? `${JSON.stringify(found, null, 2)}\n` : visibleLines(textOf(found)));
  return EXIT.ok;
}

/** Why, and how it stands. */
export interface Why {
  readonly sentence: string;
  /** Null: nothing was decided; the sentence says what is so instead. */
  readonly decision: LoggedDecision | null;
  /** How it stands now, a sentence each. */
  readonly now: readonly string[];
}

/** The answer about a route, a request or a decision, or about the newest decision; text: nothing is known, and why. */
export function answerOf(subject: string, known: Known): Why | string {
  const { decisions, status } = known;
  const route = status?.routes.find(({ name }) => name === subject) ?? null;
  const decision = decisions.findLast((one) => isAbout(one, subject, route));
  if (decision !== undefined) return whyOf(decision, subject === '', known);
  if (route !== null) return standing(route, known);
  if (subject === '') {
    const refused = status === null ? [] : refusedLines(status);
    const [sentence, ...more] = refused;
    return sentence === undefined ? 'nothing was decided yet' : { sentence, decision: null, now: more };
  }
  return missedRequest(subject, known) ?? unknown(subject, known);
}

/** A request that no decision names, but that missed an objective of its route. */
function missedRequest(subject: string, { status }: Known): Why | null {
  for (const { route: name, bad, slow } of status?.samples ?? []) {
    const sample = [...bad, ...slow].find(({ requestId }) => requestId === subject);
    if (sample === undefined) continue;
    const was = bad.includes(sample) ? 'was bad' : 'came later than the objective of its route asks';
    const route = status?.routes.find((one) => one.name === name) ?? null;
    const sentence = `${name}: request ${sampleText(sample)}: it ${was}, and no decision names it`;
    return { sentence, decision: null, now: route === null ? [] : nowLines(route, status) };
  }
  return null;
}

/** A route goes before a number, and a number before a request. */
function isAbout(decision: LoggedDecision, subject: string, route: RouteStatus | null): boolean {
  if (subject === '') return true;
  if (decision.route === subject) return true;
  if (route !== null) return false;
  if (/^#?\d{1,15}$/.test(subject)) return decision.id === Number(subject.replace('#', ''));
  return 'sampleRequestIds' in decision && decision.sampleRequestIds.includes(subject);
}

function whyOf(decision: LoggedDecision, isNewest: boolean, { decisions, status }: Known): Why {
  const later = decisions.filter(({ id, route }) => route === decision.route && id > decision.id).length;
  const route = status?.routes.find(({ name }) => name === decision.route) ?? null;
  return {
    sentence: sentenceOf(decision),
    decision,
    now: [
      ...(later === 0 ? [] : [`${later} later decisions about ${decision.route}: sluice why ${decision.route}`]),
      ...(route === null ? [] : nowLines(route, status, decision.sentence)),
      ...(isNewest && status !== null ? refusedLines(status) : []),
    ],
  };
}

/** The route comes first; of most it is there already. */
function sentenceOf({ route, sentence }: LoggedDecision): string {
  return sentence.startsWith(`${route}: `) ? sentence : `${route}: ${sentence}`;
}

/** A route about which nothing was decided. */
function standing(route: RouteStatus, { status }: Known): Why {
  const weights = route.versions.map(({ version, weight }) => `${version} ${weight}`).join(', ');
  const sentence = `${route.name}: nothing was decided about it; weights ${weights}`;
  return { sentence, decision: null, now: nowLines(route, status) };
}

/** @param told a sentence that need not be told again */
function nowLines({ name, rollout, versions }: RouteStatus, status: Status | null, told = ''): string[] {
  const whyOnce = (why: string): string => (why === told ? 'by this decision' : why);
  const because = versions
    .filter(({ weightBecause }) => weightBecause !== '')
    .map(
      ({ service, version, weight, weightBecause: why }) =>
        `${service} ${version} has weight ${weight}: ${whyOnce(why)}`,
    );
  const missed = missedLines(name, status);
  if (rollout === null) return [...because, ...missed];
  const waits = rollout.gates.filter(({ isPassed }) => !isPassed);
  return [
    `${name} is ${rollout.state}: ${whyOnce(rollout.sentence)}`,
    ...waits.map(({ name: gate, sentence }) => `${gate} keeps it: ${sentence}`),
    ...(rollout.next === '' ? [] : [`next ${rollout.next}`]),
    ...because,
    ...missed,
  ];
}

/** The newest requests of a route that missed its objectives, whatever version they had. */
function missedLines(name: string, status: Status | null): string[] {
  // A gateway of an earlier release tells none.
  const { bad = [], slow = [] } = status?.samples?.find(({ route }) => route === name) ?? {};
  return [
    ...bad.slice(0, SHOWN_MAX).map((sample) => `bad request ${sampleText(sample)}`),
    ...slow.slice(0, SHOWN_MAX).map((sample) => `late request ${sampleText(sample)}`),
  ];
}

/** A configuration that is not in force, and why. */
function refusedLines({ config }: Status): string[] {
  if (config.last.result !== 'refused') return [];
  const { at, problems } = config.last;
  const head = `${config.file} of ${at} was refused: ${problems.length} problems; #${config.hash.slice(0, 8)} stays in force`;
  return [head, ...problems.map(formatProblem)];
}

function unknown(subject: string, { decisions, status }: Known): string {
  const names = [
    ...new Set([...(status?.routes ?? []).map(({ name }) => name), ...decisions.map(({ route }) => route)]),
  ];
  if (/^#?\d{1,15}$/.test(subject)) return `there is no decision ${subject}; sluice decisions lists them`;
  if (/^[0-9a-f-]{16,}$/i.test(subject)) {
    return `no decision names request ${subject}: each keeps up to five bad ones; the access log has the others`;
  }
  return `there is no route ${subject}${didYouMean(similarTo(subject, names))}, and no decision names such a request`;
}

/** As people read it, ending in a newline. */
export function textOf({ sentence, decision, now }: Why): string {
  const proof = decision === null ? [] : proofLines(decision);
  return `${[sentence, ...proof, ...now.map((line, n) => `${n === 0 ? 'now      ' : '         '}${line}`)].join('\n')}\n`;
}
