/**
 * The admin server's pages: path in, reply out.
 *
 * Pages are read only; commands to rollouts are elsewhere (commands.ts). A path is matched as written, without decoding or normalizing: there is nothing to confuse.
 */

import { type ForecastQuestion, ROLLOUT_COMMANDS } from '../model/rollout.ts';
import type { Status } from '../model/status.ts';
import { formatCheck, hasStarted, readinessChecks } from './checks.ts';
import { jsonReply, problemReply, type Reply, textReply } from './reply.ts';
import type { AdminView } from './view.ts';

interface Page {
  readonly about: string;
  answer(query: URLSearchParams): Reply | Promise<Reply>;
}

/** Answers `target`, the request target as received. */
export type Pages = (target: string) => Reply | Promise<Reply>;

/** Makes the pages over a view. The only state is that start-up, once over, stays over. */
export function createPages(view: AdminView): Pages {
  const pages = pageTable(view);
  const index = textReply(200, indexText(pages));
  return (target) => {
    const queryAt = target.indexOf('?');
    const path = queryAt === -1 ? target : target.slice(0, queryAt);
    if (path === '/') return index;
    const page = pages.get(path);
    if (page === undefined) return problemReply(404, `There is no ${printable(path)} here; GET / lists the pages`);
    const query = new URLSearchParams(queryAt === -1 ? '' : target.slice(queryAt + 1));
    return page.answer(query);
  };
}

function pageTable(view: AdminView): ReadonlyMap<string, Page> {
  let isStarted = false;
  const ready = (query: URLSearchParams) => readyReply(view, query.has('verbose'));
  const started = () => {
    isStarted ||= hasStarted(view.status());
    return isStarted ? textReply(200, 'ok\n') : textReply(503, 'not started: no worker serves a configuration yet\n');
  };
  const live = () => (view.live() ? textReply(200, 'ok\n') : textReply(503, 'not live: restart this process\n'));
  return new Map<string, Page>([
    ['/livez', { about: '200 while the process can do its work', answer: live }],
    ['/readyz', { about: '200 while it should get traffic, else 503 with the reason; ?verbose', answer: ready }],
    ['/startupz', { about: '200 once it has started', answer: started }],
    [
      '/healthz',
      {
        about: 'the same as /readyz; ?include=config: with what is in force and what the sources hold, as JSON',
        answer: (query) => (query.get('include') === 'config' ? configReply(view.status()) : ready(query)),
      },
    ],
    ['/metrics', { about: 'Prometheus text format', answer: async () => ({ status: 200, ...(await view.metrics()) }) }],
    [
      '/api/v1/status',
      { about: 'configuration, workers, routes, versions, rollouts', answer: () => jsonReply(view.status()) },
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
        about: 'every decision about a rollout with its numbers, oldest first',
        answer: () => jsonReply({ decisions: view.decisions() }),
      },
    ],
    [
      '/api/v1/log',
      { about: 'the same with its evidence, for sluice verify and replay', answer: () => logReply(view) },
    ],
    [
      '/api/v1/forecast',
      {
        about: 'what rollouts can find at this traffic; ?route, rps, errors, p50, p99',
        answer: (query) => forecastReply(view, query),
      },
    ],
  ]);
}

/** Whether what is in force is what the sources hold, for probes and people; the code is that of readiness. */
function configReply({ ready, notReadyBecause, config, revisions }: Status): Reply {
  const { number, sourceHash, staleMs, pin, difference } = revisions;
  const { revision, hash, loadedAt, last } = config;
  const sentence = difference === '' ? 'what is in force is what the sources hold' : difference;
  const told = { revision, number, hash, loadedAt, sourceHash, isSame: difference === '', sentence, staleMs, pin };
  const body = { ready, notReadyBecause, config: { ...told, lastResult: last.result, problems: last.problems.length } };
  return { ...jsonReply(body), status: ready ? 200 : 503 };
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

function indexText(pages: ReadonlyMap<string, Page>): string {
  const rows = [...pages].map(([path, page]) => `${path.padEnd(20)}${page.about}`);
  return `Sluice admin. Pages are read only: GET and HEAD.\n\n${rows.join('\n')}\n\n${COMMANDS_TEXT}`;
}

const COMMANDS_TEXT = `POST /api/v1/rollouts/{route}/{${ROLLOUT_COMMANDS.join(',')}}
POST /api/v1/routes/{route}/restore
with the token: commands to the rollout of a route, and to bring back versions that drifted; body: none, or {"reason": "…", "fix": true}

GET and, with the token and If-Match, PUT /api/v1/routes/{route}/weights
the weights of a route as its source keeps them; body: {"weights": {"v1": 90, "v2": 10}, "reason": "…"}
POST /api/v1/config/rollback, /api/v1/config/unpin
with the token: back to an accepted configuration, whatever the sources hold; body: {"reason": "…", "revision": "12"}

POST /api/v1/restart
with the token: a process from the same command line takes over without a gap\n`;

/** A client's text for a message: bounded and without controls. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x21-\x7e]/g, '?');
}
