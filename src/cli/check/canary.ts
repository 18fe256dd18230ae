/**
 * Looks at a version before users get it: asks the gateway how it stands, sends it requests by its color, reads what was counted.
 *
 * ```
 * gateway ▸ version ▸ endpoints ▸ health (where asked for) ▸ route ▸ probe ▸ sli
 * ```
 * No probe is sent before the gateway itself has said that the color pins the version: it would be a user's request to stable.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../lib/clock.ts';
import type { Status, VersionStatus } from '../../model/status.ts';
import type { RouteExplanation } from '../../model/threads/explain.ts';
import { fetchRouteAnswer, fetchSetting, fetchStatus } from '../admin/ask/client.ts';
import { type Answer, ask, patiently } from './ask.ts';
import {
  endpointsOutcome,
  gatewayOutcome,
  objectivesAbout,
  type Subject,
  type SubjectWish,
  sliOutcome,
  snapshotOf,
  versionOutcome,
} from './judge.ts';
import { type CanaryReport, type Outcome, type SliSnapshot, type Stage, takeStage } from './report.ts';

/** The default of `color.header`. */
const COLOR_HEADER = 'x-release-stage';
/** Counts of a worker reach the status within a second, unless the machine is busy. */
const COUNTED_MS_MAX = 10_000;
const POLL_MS = 50;
/** Words of a health answer's `status` that mean well: of health+json, Spring, and what people write by hand. */
const WELL = ['pass', 'ok', 'up', 'healthy', 'green', 'warn'];
const BODY_SHOWN_MAX = 200;
const WENT_AWAY = 'the version went away meanwhile';

/** What is to be looked at, and how. */
export interface CanaryWish extends SubjectWish {
  readonly adminUrl: string;
  /** Where probes go; null: where the gateway says that it listens. */
  readonly gatewayUrl: string | null;
  /** Null: the version's name. */
  readonly color: string | null;
  /** Null: what the configuration in force says. */
  readonly colorHeader: string | null;
  /** Path and query of a probe, from `/` on. */
  readonly path: string;
  /** Null: the gateway's own. */
  readonly host: string | null;
  /** IP address that the gateway sees probes come from. */
  readonly from: string;
  /** Path that every endpoint is asked at directly; null: none. */
  readonly healthPath: string | null;
  readonly probes: number;
  readonly isExpected: (status: number) => boolean;
  /** Longest time of a probe; null: any within `timeoutMs`. */
  readonly slowestMs: number | null;
  /** Of the version since the gateway's start; null: any. */
  readonly errorRatioMax: number | null;
  /** For each answer. */
  readonly timeoutMs: number;
  /** Further attempts for what was not answered. */
  readonly retries: number;
}

/** Runs every stage. @param first a status of the gateway, from just now. Never rejects. */
export async function checkCanary(first: Status, wish: CanaryWish): Promise<CanaryReport> {
  const startedAtMs = nowMs();
  const stages: Stage[] = [];
  const status = await takeStage(stages, 'gateway', () => readinessOf(first, wish));
  const subject = await takeStage(stages, 'version', status && (() => versionOutcome(status, wish)));
  const version = subject?.version ?? null;
  await takeStage(stages, 'endpoints', version && (() => endpointsOutcome(version)));
  if (wish.healthPath !== null) await takeStage(stages, 'health', version && (() => healthOf(version, wish)));
  const aim = await takeStage(stages, 'route', subject && (() => aimAt(subject, first, wish)));
  await takeStage(stages, 'probe', subject && aim && (() => probe(subject, aim, wish)));
  const measured: { sli: SliSnapshot | null } = { sli: null };
  await takeStage(stages, 'sli', subject && (() => measure(subject, wish, measured)));
  return {
    ok: stages.every(({ state }) => state === 'pass'),
    route: wish.route,
    service: version?.service ?? '',
    version: version?.version ?? wish.version ?? '',
    color: aim?.color ?? '',
    gateway: aim?.url.origin ?? '',
    tookMs: Math.round(nowMs() - startedAtMs),
    stages,
    sli: measured.sli,
  };
}

/** Takes the indicators down, whether they are good or not. */
async function measure(
  subject: Subject,
  { adminUrl, retries, errorRatioMax }: CanaryWish,
  measured: { sli: SliSnapshot | null },
): Promise<Outcome<true>> {
  const { answer: status } = await patiently(retries, () => fetchStatus(adminUrl));
  const now = subjectIn(status, subject);
  if (now === null) return { isOk: false, sentence: WENT_AWAY };
  measured.sli = snapshotOf(now);
  return sliOutcome(measured.sli, objectivesAbout(status, now), errorRatioMax);
}

/** The lines of the readiness probe, which tell more than yes or no. */
async function readinessOf(status: Status, { adminUrl, retries, timeoutMs }: CanaryWish): Promise<Outcome<Status>> {
  const url = new URL('/readyz?verbose', adminUrl);
  const { answer } = await patiently(retries, () => ask({ url, headers: {}, timeoutMs }));
  return gatewayOutcome(
    status,
    answer.body.split('\n').filter((line) => line !== ''),
  );
}

/** Asks every endpoint by itself: what one of them says is lost among the others behind a gateway. */
async function healthOf({ endpoints }: VersionStatus, wish: CanaryWish): Promise<Outcome<true>> {
  const { healthPath, timeoutMs, retries } = wish;
  const told = await Promise.all(
    endpoints.map(async ({ address }) => {
      const url = new URL(healthPath ?? '/', `http://${address}`);
      const headers = wish.host === null ? {} : { host: wish.host };
      try {
        const { answer } = await patiently(retries, () => ask({ url, headers, timeoutMs }));
        return {
          isWell: answer.status >= 200 && answer.status < 300 && saysWell(answer.body),
          fact: shown(url, answer),
        };
      } catch (error) {
        return { isWell: false, fact: `${url.href}: ${error instanceof Error ? error.message : String(error)}` };
      }
    }),
  );
  const facts = told.map(({ fact }) => fact);
  const well = told.filter(({ isWell }) => isWell).length;
  const sentence = `${well} of ${told.length} endpoints say that they are well`;
  return well === told.length && well > 0
    ? { isOk: true, sentence, facts, value: true }
    : { isOk: false, sentence, facts };
}

/** A body that is an object with a `status` must say something good there; any other says nothing. */
export function saysWell(body: string): boolean {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    return true;
  }
  const status = typeof parsed === 'object' && parsed !== null && 'status' in parsed ? parsed.status : undefined;
  return typeof status === 'string' ? WELL.includes(status.toLowerCase()) : status !== false;
}

function shown({ href }: URL, { status, body }: Answer): string {
  const text = body.replace(/[\p{Cc}\s]+/gu, ' ').trim();
  const cut = text.length > BODY_SHOWN_MAX ? `${text.slice(0, BODY_SHOWN_MAX)}…` : text;
  return `${href}: ${status}${cut === '' ? '' : ` ${cut}`}`;
}

/** Where probes go, and what makes them the version's. */
interface Aim {
  readonly url: URL;
  readonly color: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Asks the gateway which version the probe would get, and by what; nothing is sent for it. */
async function aimAt({ route, version }: Subject, status: Status, wish: CanaryWish): Promise<Outcome<Aim>> {
  const color = wish.color ?? version.version;
  const header = wish.colorHeader ?? (await colorHeaderOf(wish));
  const url = new URL(wish.path, wish.gatewayUrl ?? reachable(status.proxyUrl, wish.adminUrl));
  const meant = new URL(wish.path, wish.host === null ? url.origin : `${url.protocol}//${wish.host}`);
  const question = { method: 'GET', url: meant.href, headers: [[header, color] as const], from: wish.from };
  const { answer } = await patiently(wish.retries, () => fetchRouteAnswer(wish.adminUrl, question));
  if (answer.kind === 'refused') return { isOk: false, sentence: answer.detail };
  const { explanation } = answer;
  const against = whyNotPinned(explanation, { route, version });
  const sent = `GET ${meant.pathname} with ${header}: ${color}`;
  if (against !== '') return { isOk: false, sentence: `${sent} ${against}`, facts: explanation.notes };
  const headers = { [header]: color, ...(wish.host === null ? {} : { host: wish.host }) };
  const sentence = `${sent} goes to ${version.service} ${version.version} by ${explanation.match}`;
  return { isOk: true, sentence, facts: explanation.notes, value: { url, color, headers } };
}

async function colorHeaderOf({ adminUrl, retries }: CanaryWish): Promise<string> {
  const { answer } = await patiently(retries, () => fetchSetting(adminUrl, 'color.header'));
  if (answer.kind === 'refused')
    throw new Error(`the color's header is not known (${answer.detail}): say --color-header`);
  const { value } = answer.setting;
  return typeof value === 'string' ? value : COLOR_HEADER;
}

/** Empty when it would get the version, and nothing but the color or the lack of others decides that. */
function whyNotPinned(told: RouteExplanation, { route, version }: Subject): string {
  const { outcome, status, reason, isTrusted } = told;
  if (outcome === 'refused') return `is refused with ${status} ${reason}: say --path and --host of a request it takes`;
  if (told.route !== route.name) return `is taken by route ${told.route}: say --path and --host`;
  if (outcome === 'answered' || told.version === null) return `is answered with ${status} by a filter: say --path`;
  const chosen = told.version;
  const isMeant = chosen.service === version.service && chosen.version === version.version;
  if (isMeant && (chosen.by === 'color' || told.versions.length === 1)) return '';
  const got = `goes to ${chosen.service} ${chosen.version}`;
  if (chosen.by === 'color') return `${got}: that is its color, see --color`;
  const stranger = isTrusted ? '' : ' from a stranger, see color.acceptFrom and trustedProxies';
  return `${got}, as the color does not count${stranger}`;
}

const ANY_HOST = ['0.0.0.0', '[::]'];

/** A gateway that listens on every address is asked where its admin server is. */
export function reachable(proxyUrl: string, adminUrl: string): string {
  const url = new URL(proxyUrl);
  if (ANY_HOST.includes(url.hostname)) url.hostname = new URL(adminUrl).hostname;
  return url.origin;
}

/** Sends the probes one after the other, and makes sure that it was the version that counted them. */
async function probe(subject: Subject, { url, headers }: Aim, wish: CanaryWish): Promise<Outcome<true>> {
  const { probes, isExpected, slowestMs, timeoutMs, retries } = wish;
  const before = subjectIn(await fetchStatus(wish.adminUrl), subject)?.version ?? subject.version;
  const answers: Answer[] = [];
  let again = 0;
  for (let n = 0; n < probes; n++) {
    const { answer, attempts } = await patiently(retries, () => ask({ url, headers, timeoutMs }));
    answers.push(answer);
    again += attempts - 1;
  }
  const facts = answers.map((answer) => `${shown(url, answer)}, ${answer.tookMs.toFixed(1)} ms`);
  const unexpected = answers.filter(({ status }) => !isExpected(status));
  if (unexpected.length > 0) {
    const statuses = [...new Set(unexpected.map(({ status }) => status))].join(', ');
    return { isOk: false, sentence: `${unexpected.length} of ${probes} answers were ${statuses}`, facts };
  }
  const longestMs = Math.max(...answers.map(({ tookMs }) => tookMs));
  if (slowestMs !== null && longestMs > slowestMs) {
    return { isOk: false, sentence: `an answer took ${longestMs.toFixed(1)} ms, more than ${slowestMs} ms`, facts };
  }
  const uncounted = await whyUncounted(subject, before, wish);
  if (uncounted !== '') return { isOk: false, sentence: uncounted, facts };
  const more = again === 0 ? '' : `, ${again} attempts were not answered`;
  const sentence = `${probes} of ${probes} answers as expected, the slowest in ${longestMs.toFixed(1)} ms${more}`;
  return { isOk: true, sentence, facts, value: true };
}

/** Waits until the gateway has counted the probes for the version; empty when it has, and none was bad. */
async function whyUncounted(
  subject: Subject,
  before: VersionStatus,
  { adminUrl, probes }: CanaryWish,
): Promise<string> {
  const deadlineMs = nowMs() + COUNTED_MS_MAX;
  for (;;) {
    const after = subjectIn(await fetchStatus(adminUrl), subject)?.version;
    if (after === undefined) return WENT_AWAY;
    const counted = after.requests + after.ignored - before.requests - before.ignored;
    if (counted >= probes) {
      const bad = after.bad - before.bad;
      return bad === 0 ? '' : `the gateway counted ${bad} bad of ${counted} requests meanwhile`;
    }
    if (nowMs() > deadlineMs) return `the version counted ${counted} of ${probes} probes: others went elsewhere`;
    await sleep(POLL_MS);
  }
}

/** The same version in a newer status. */
function subjectIn(status: Status, { route, version }: Subject): Subject | null {
  const found = status.routes.find(({ name }) => name === route.name);
  const same = found?.versions.find((one) => one.service === version.service && one.version === version.version);
  return found === undefined || same === undefined ? null : { route: found, version: same };
}
