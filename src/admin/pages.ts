/**
 * The admin server's pages: path in, reply out.
 *
 * Pages are read only; commands to rollouts are elsewhere (commands.ts). A path is matched as written, without decoding
 * or normalizing: there is nothing to confuse.
 */

import { type ForecastQuestion, ROLLOUT_COMMANDS } from '../model/rollout.ts';
import type { Status } from '../model/status.ts';
import { apiDocument } from './api/document.ts';
import { formatCheck, hasStarted, readinessChecks } from './checks.ts';
import type { Assets } from './page/assets.ts';
import { documentReply } from './page/document.ts';
import type { Live } from './page/live.ts';
import { type Answer, jsonReply, problemReply, type Reply, textReply } from './reply.ts';
import type { AdminView, ScrapeAsked } from './view.ts';

/** Longest name of a route, in characters. */
const ROUTE_NAME_MAX = 253;

interface Page {
  readonly about: string;
  answer(query: URLSearchParams, asked: ScrapeAsked): Answer | Promise<Answer>;
}

const NOTHING_ASKED: ScrapeAsked = { accept: '', acceptEncoding: '' };

/** Answers `target`, the request target as received. `asked`: what the reader takes; a browser gets the live page at `/`. */
export type Pages = (target: string, asked?: ScrapeAsked) => Answer | Promise<Answer>;

/** Makes the pages over a view. The only state is that start-up, once over, stays over. */
export function createPages(view: AdminView, live: Live, assets: Assets): Pages {
  const pages = pageTable(view, live);
  const index = { ...textReply(200, indexText(pages)), headers: { vary: 'accept' } };
  return (target, asked = NOTHING_ASKED) => {
    const queryAt = target.indexOf('?');
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    const query = new URLSearchParams(queryAt === -1 ? '' : target.slice(queryAt + 1));
    if (path === '/') return /\btext\/html\b/.test(asked.accept) ? liveDocument(live, query) : index;
    const found = pages.get(path)?.answer(query, asked) ?? assets.get(path);
    return found ?? problemReply(404, `There is no ${printable(path)} here; GET / lists the pages`);
  };
}

function liveDocument(live: Live, query: URLSearchParams): Reply {
  const asked = routeIn(query);
  const reply = documentReply(live.board(asked), live.events(), asked);
  return { ...reply, headers: { ...reply.headers, vary: 'accept' } };
}

/** The route that is asked for; what cannot be one is none. */
function routeIn(query: URLSearchParams): string {
  const name = query.get('route') ?? '';
  return isRouteName(name) ? name : '';
}

function isRouteName(name: string): boolean {
  return name !== '' && name.length <= ROUTE_NAME_MAX;
}

function pageTable(view: AdminView, live: Live): ReadonlyMap<string, Page> {
  return new Map([...probes(view), ...lookingIn(view, live)]);
}

function probes(view: AdminView): [string, Page][] {
  let isStarted = false;
  const ready = (query: URLSearchParams) => readyReply(view, query.has('verbose'));
  const started = () => {
    isStarted ||= hasStarted(view.status());
    return isStarted ? textReply(200, 'ok\n') : textReply(503, 'not started: no worker serves a configuration yet\n');
  };
  const alive = () => (view.live() ? textReply(200, 'ok\n') : textReply(503, 'not live: restart this process\n'));
  return [
    ['/livez', { about: '200 while the process can do its work', answer: alive }],
    ['/readyz', { about: '200 while it should get traffic, else 503 with the reason; ?verbose', answer: ready }],
    ['/startupz', { about: '200 once it has started', answer: started }],
    [
      '/healthz',
      {
        about: 'the same as /readyz; ?include=config: with what is in force and what the sources hold, as JSON',
        answer: (query) => (query.get('include') === 'config' ? configReply(view.status()) : ready(query)),
      },
    ],
  ];
}

function lookingIn(view: AdminView, live: Live): [string, Page][] {
  return [
    ['/metrics', { about: 'for Prometheus, in the format asked for', answer: (_, asked) => scrapeAnswer(view, asked) }],
    [
      '/api/v1/status',
      { about: 'configuration, workers, routes, versions, rollouts', answer: () => jsonReply(view.status()) },
    ],
    ['/api/v1/routes', { about: 'what the routes match and do', answer: () => jsonReply({ routes: view.routes() }) }],
    ['/api/v1/alerts', alertsPage(view)],
    [
      '/api/v1/board',
      {
        about: 'what the live page shows now; ?route=NAME to have that one among its routes',
        answer: (query) => jsonReply({ ...live.board(routeIn(query)), events: live.events() }),
      },
    ],
    [
      '/api/v1/board/history',
      { about: 'the last five minutes of a route; ?route=NAME', answer: (query) => historyReply(live, routeIn(query)) },
    ],
    [
      '/api/v1/seconds',
      {
        about: 'the newest second of routes, by version; ?route=NAME, repeated',
        answer: (query) => jsonReply(live.seconds(query.getAll('route').filter(isRouteName))),
      },
    ],
    [
      '/api/v1/live',
      { about: 'the live page as a stream of events; ?route=NAME', answer: (query) => live.attach(routeIn(query)) },
    ],
    [
      '/openapi.json',
      {
        about: 'what this server answers, as OpenAPI 3.1',
        answer: () => jsonReply(apiDocument(view.status().version)),
      },
    ],
    [
      '/api/v1/config/history',
      { about: 'accepted configurations, newest first', answer: () => jsonReply({ revisions: view.revisions() }) },
    ],
    [
      '/api/v1/config/diff',
      {
        about: 'what differs between two; ?before, after: numbers, hashes, sources',
        answer: (query) => diffReply(view, query),
      },
    ],
    [
      '/api/v1/decisions',
      {
        about: 'every decision about a rollout, and every revert, with its numbers, oldest first',
        answer: () => jsonReply({ decisions: view.decisions() }),
      },
    ],
    [
      '/api/v1/log',
      { about: 'the same with its evidence, for sluice verify and replay', answer: () => logReply(view) },
    ],
    [
      '/api/v1/explain/config',
      {
        about: 'a setting, and where it comes from; ?path=routes.shop.slo',
        answer: (query) => settingReply(view, query.get('path') ?? ''),
      },
    ],
    [
      '/api/v1/explain/route',
      {
        about: 'which route takes a request and why; ?method, url, header=Name: value (repeated), from',
        answer: (query) => explainReply(view, query),
      },
    ],
    [
      '/api/v1/forecast',
      {
        about: 'what rollouts can find at this traffic; ?route, rps, errors, p50, p99',
        answer: (query) => forecastReply(view, query),
      },
    ],
  ];
}

async function scrapeAnswer(view: AdminView, asked: ScrapeAsked): Promise<Answer> {
  const scrape = await view.scrape(asked);
  const detail = 'Too many metrics pages are being made; ask again in a second';
  return scrape ?? problemReply(503, detail, { 'retry-after': '1' });
}

function alertsPage(view: AdminView): Page {
  const about = 'what is wrong now, and how channels stand; null: no alerts are configured';
  return { about, answer: () => jsonReply({ alerts: view.status().alerts }) };
}

/** Whether what is in force is what the sources hold, for probes and people; the code is that of readiness. */
function configReply({ ready, notReadyBecause, config, revisions }: Status): Reply {
  const { number: revision, sourceHash, staleMs, pin, staleStart, difference } = revisions;
  const { revision: snapshot, hash, loadedAt, last } = config;
  const sentence = difference === '' ? 'what is in force is what the sources hold' : difference;
  const told = { revision, snapshot, hash, loadedAt, sourceHash, isSame: difference === '', sentence, staleMs };
  const body = {
    ready,
    notReadyBecause,
    config: { ...told, pin, staleStart, lastResult: last.result, problems: last.problems.length },
  };
  return { ...jsonReply(body), status: ready ? 200 : 503 };
}

function historyReply(live: Live, route: string): Reply {
  const history = live.history(route);
  return history === null
    ? problemReply(404, `${printable(route)} is not shown; ask /api/v1/board?route=NAME first`)
    : jsonReply(history);
}

function diffReply(view: AdminView, query: URLSearchParams): Reply {
  const result = view.diff(query.get('before') ?? '', query.get('after') ?? '');
  if (result.kind === 'done') return jsonReply(result.diff);
  return problemReply(result.kind === 'unknown' ? 404 : 409, result.detail);
}

function logReply(view: AdminView): Reply {
  const log = view.log();
  if (log !== null) return { status: 200, contentType: 'application/x-ndjson', body: log };
  return problemReply(409, 'The log is in the state directory: sluice decisions export --state DIR');
}

function readyReply(view: AdminView, isVerbose: boolean): Reply {
  const status = view.status();
  const code = status.ready ? 200 : 503;
  if (!isVerbose) return textReply(code, status.ready ? 'ok\n' : `not ready: ${status.notReadyBecause}\n`);
  const lines = readinessChecks(status).map(formatCheck);
  return textReply(code, `${lines.join('\n')}\nreadyz check ${status.ready ? 'passed' : 'failed'}\n`);
}

function forecastReply(view: AdminView, query: URLSearchParams): Reply {
  const [route, rps, errors, p50, p99] = ['route', 'rps', 'errors', 'p50', 'p99'].map((name) => query.get(name));
  const answer = view.forecast({ route, rps, errors, p50, p99 } as ForecastQuestion);
  if (answer.kind === 'done') return jsonReply({ forecasts: answer.forecasts });
  return problemReply(answer.kind === 'unknown' ? 404 : 400, answer.detail);
}

async function settingReply(view: AdminView, path: string): Promise<Reply> {
  const answer = await view.explainSetting(path);
  return answer.kind === 'done' ? jsonReply(answer.setting) : problemReply(400, answer.detail);
}

function explainReply(view: AdminView, query: URLSearchParams): Reply {
  const headers = query.getAll('header').map((text): [string, string] => {
    const colon = text.indexOf(':');
    return [text.slice(0, Math.max(0, colon)).trim(), text.slice(colon + 1).trim()];
  });
  const [method, url, from] = [query.get('method') ?? 'GET', query.get('url') ?? '', query.get('from') ?? '127.0.0.1'];
  const answer = view.explainRoute({ method, url, headers, from });
  return answer.kind === 'done' ? jsonReply(answer.explanation) : problemReply(400, answer.detail);
}

function indexText(pages: ReadonlyMap<string, Page>): string {
  const rows = [...pages].map(([path, page]) => `${path.padEnd(24)}${page.about}`);
  return `Sluice admin. A browser gets the live page here. Pages are read only: GET and HEAD.\n\n${rows.join('\n')}\n\n${COMMANDS_TEXT}`;
}

const COMMANDS_TEXT = `POST /api/v1/rollouts/{route}/{${ROLLOUT_COMMANDS.join(',')}}
POST /api/v1/routes/{route}/restore
with the token: commands to the rollout of a route, and to bring back versions that drifted; body: none, or {"reason": "…", "fix": true}

GET and, with the token and If-Match, PUT /api/v1/routes/{route}/weights
the weights of a route as its source keeps them; body: {"weights": {"v1": 90, "v2": 10}, "reason": "…"}

POST /api/v1/config/rollback, /api/v1/config/unpin
with the token: back to an accepted configuration, whatever the sources hold; body: {"reason": "…", "revision": "12"}

POST /api/v1/faults/stop
with the token: end every fault on purpose, whatever its time; body: none, or {"reason": "…"}

POST /api/v1/alerts/{channel}/test
POST /api/v1/alerts/{channel}/retry
POST /api/v1/alerts/retry
with the token: send a test message now, try what could not be delivered again; body: none, or {"reason": "…"}

POST /api/v1/restart
with the token: a process from the same command line takes over without a gap

POST /api/v1/reload, /api/v1/drain
with the token: read the configuration and its sources again, and end the process when its exchanges are over

POST /api/v1/debug/profile, /api/v1/debug/heap-snapshot, GET /api/v1/debug/config, /api/v1/debug/report, /api/v1/tap
with the token: a profile of a thread {"kind": "cpu", "thread": "main", "seconds": 5}, the heap of the main thread, the
configuration in force, a report of everything, and requests as they end\n`;

/** A client's text for a message: bounded and without controls. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x21-\x7e]/g, '?');
}
