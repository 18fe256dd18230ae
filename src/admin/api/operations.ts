/**
 * Every operation of the admin API in one table: what `/openapi.json` and docs/API.md are made from.
 *
 * A test holds it against the server: each operation is answered as it says, and no path is served that is not here.
 */

import { ROLLOUT_COMMANDS } from '../../model/rollout.ts';
import { TAP_RATE_MAX, TAPS_MAX } from '../../model/threads/requests/tap.ts';
import { CLIENTS_MAX } from '../page/stream.ts';
import { PROFILE_S_MAX } from '../process/debug.ts';
import { TAP_RATE } from '../process/tap.ts';
import {
  ASKED,
  CHANNEL_PARAMETER,
  COMMANDED,
  GUARDED,
  get,
  JSON_TYPE,
  json,
  type Operation,
  type Parameter,
  PLAIN,
  post,
  problem,
  RETRIED,
  ROUTE_PARAMETER,
  text,
} from './parts.ts';
import { ANY, COUNT, list, NUMBER, object, orNull, ref, TEXT } from './schemas.ts';

const PROBES: readonly Operation[] = [
  get('live', '/livez', {
    tag: 'probes',
    summary: '200 while the process can do its work, else it should be restarted',
    answers: { 200: text('it can'), 503: text('it cannot') },
  }),
  get('ready', '/readyz', {
    tag: 'probes',
    summary: 'Whether it should get traffic; no store that is away makes it fail',
    parameters: [{ name: 'verbose', in: 'query', about: 'lists what was checked, a line each' }],
    answers: { 200: text('it should'), 503: text('it should not, and why') },
  }),
  get('started', '/startupz', {
    tag: 'probes',
    summary: '200 once it has started',
    answers: { 200: text('it has'), 503: text('not yet') },
  }),
  get('health', '/healthz', {
    tag: 'probes',
    summary: 'The same as /readyz; with include=config as JSON, with what is in force and what the sources hold',
    parameters: [{ name: 'include', in: 'query', about: 'config' }],
    answers: {
      200: { about: 'it should get traffic; text without include=config', type: JSON_TYPE, schema: ref('Health') },
      503: { about: 'it should not' },
    },
  }),
];

const LOOKING: readonly Operation[] = [
  get('metrics', '/metrics', {
    tag: 'looking in',
    summary: 'Metrics for Prometheus',
    answers: {
      200: text('text format 0.0.4; OpenMetrics 1.0 or protobuf for those who accept them'),
      503: problem('too many pages are being made'),
    },
  }),
  get('status', '/api/v1/status', {
    tag: 'looking in',
    summary: 'Configuration, workers, routes, versions, objectives, rollouts',
    answers: { 200: json('everything', ref('Status')) },
  }),
  get('routes', '/api/v1/routes', {
    tag: 'looking in',
    summary: 'What the routes match and do, in their order; how they fare is in the status',
    answers: { 200: json('those in force', object({ routes: list(ref('RouteListing')) })) },
  }),
  get('alerts', '/api/v1/alerts', {
    tag: 'looking in',
    summary: 'What is wrong now, how channels stand, and what could not be delivered',
    answers: { 200: json('null: no alerts are configured', object({ alerts: orNull(ref('Alerts')) })) },
  }),
  get('decisions', '/api/v1/decisions', {
    tag: 'looking in',
    summary: 'Decisions about rollouts, and reverts, with their numbers, oldest first',
    answers: { 200: json('the newest 1,000', object({ decisions: list(ref('Decision')) })) },
  }),
  get('log', '/api/v1/log', {
    tag: 'looking in',
    summary: 'The same with its evidence, for sluice verify and replay',
    answers: {
      200: { about: 'a JSON object per line', type: 'application/x-ndjson' },
      409: problem('it is in the state directory'),
    },
  }),
  get('history', '/api/v1/config/history', {
    tag: 'looking in',
    summary: 'Accepted configurations, newest first',
    answers: { 200: json('those that are known', object({ revisions: list(ref('Revision')) })) },
  }),
  get('diff', '/api/v1/config/diff', {
    tag: 'looking in',
    summary: 'What differs between two configurations, secrets redacted',
    parameters: ['before', 'after'].map((name) => ({
      name,
      in: 'query' as const,
      about: 'a number, the beginning of a hash, or sources',
    })),
    answers: {
      200: json('field by field', ref('Diff')),
      404: problem('no such revision'),
      409: problem('its content was let go'),
    },
  }),
  get('explainSetting', '/api/v1/explain/config', {
    tag: 'looking in',
    summary: 'A setting in force, and where it comes from',
    parameters: [{ name: 'path', in: 'query', about: 'routes.shop.slo', isRequired: true }],
    answers: { 200: json('the setting', ANY), 400: problem('no such setting') },
  }),
  get('explainRoute', '/api/v1/explain/route', {
    tag: 'looking in',
    summary: 'Which route takes a request, to which version, and why no other',
    parameters: [
      { name: 'url', in: 'query', about: 'of the request', isRequired: true },
      { name: 'method', in: 'query', about: 'GET by default' },
      { name: 'header', in: 'query', about: '`Name: value`; repeated' },
      { name: 'from', in: 'query', about: 'address of the client' },
    ],
    answers: { 200: json('the decision', ANY), 400: problem('not a request') },
  }),
  get('forecast', '/api/v1/forecast', {
    tag: 'looking in',
    summary: 'What rollouts can find at this traffic, and how fast',
    parameters: ['route', 'rps', 'errors', 'p50', 'p99'].map((name) => ({
      name,
      in: 'query' as const,
      about: name === 'route' ? 'name of a route' : 'instead of what was measured',
    })),
    answers: {
      200: json('one for each rollout', object({ forecasts: list(ANY) })),
      400: problem('not a question'),
      404: problem('no such rollout'),
    },
  }),
  get('weights', '/api/v1/routes/{route}/weights', {
    tag: 'looking in',
    summary: 'The weights of a route as its source keeps them; ETag is their revision',
    parameters: [ROUTE_PARAMETER],
    answers: { 200: json('kept, and in force', ref('Weights')), 404: problem('no such route') },
  }),
];

const PAGE: readonly Operation[] = [
  get('page', '/', {
    tag: 'page',
    summary: 'The live page for who accepts text/html, else this list as text',
    parameters: [ASKED],
    answers: { 200: { about: 'complete without JavaScript', type: PLAIN } },
  }),
  get('board', '/api/v1/board', {
    tag: 'page',
    summary: 'What the page shows now: a bounded part of the status, worst error budget first, and what happened',
    parameters: [ASKED],
    answers: { 200: json('one moment', ref('Board')) },
  }),
  get('boardHistory', '/api/v1/board/history', {
    tag: 'page',
    summary: 'The last five minutes of a route that is shown, second by second',
    parameters: [{ ...ASKED, about: 'name of the route', isRequired: true }],
    answers: { 200: json('oldest first', ref('History')), 404: problem('it is not shown') },
  }),
  get('seconds', '/api/v1/seconds', {
    tag: 'page',
    summary:
      'The newest second of routes, by version: exchanges, bad ones and p99; the first question begins to follow them',
    parameters: [{ ...ASKED, about: 'name of a route; repeated, at most 24 times' }],
    answers: { 200: json('in the order of the question', ref('Seconds')) },
  }),
  get('stream', '/api/v1/live', {
    tag: 'page',
    summary: 'The page as server-sent events: `board` every second and when something happens, `events` when it does',
    parameters: [ASKED],
    answers: {
      200: { about: 'until the reader leaves', type: 'text/event-stream' },
      503: problem(`${CLIENTS_MAX} readers look already`),
    },
  }),
  get('openapi', '/openapi.json', {
    tag: 'page',
    summary: 'This document',
    answers: { 200: json('OpenAPI 3.1', ANY) },
  }),
];

const COMMANDS: readonly Operation[] = [
  post('command', '/api/v1/rollouts/{route}/{command}', {
    tag: 'commands',
    summary: 'A command to the rollout of a route',
    parameters: [
      ROUTE_PARAMETER,
      { name: 'command', in: 'path', about: 'what to do', isRequired: true, schema: { enum: [...ROLLOUT_COMMANDS] } },
    ],
    body: ref('Reason'),
    answers: {
      200: json('the decision', object({ decision: ref('Decision') })),
      202: json('it waits for the release window', object({ waiting: TEXT })),
      404: problem('no such rollout'),
      ...COMMANDED,
    },
  }),
  post('restore', '/api/v1/routes/{route}/restore', {
    tag: 'commands',
    summary: 'Brings back versions that are offline because they drifted',
    parameters: [ROUTE_PARAMETER],
    body: ref('Reason'),
    answers: { 200: json('what changed', object({ changes: list(ANY) })), ...COMMANDED },
  }),
  {
    id: 'setWeights',
    method: 'put',
    path: '/api/v1/routes/{route}/weights',
    tag: 'commands',
    summary: 'Replaces the weights document of a route, unless somebody else has changed it',
    needsToken: true,
    parameters: [ROUTE_PARAMETER, { name: 'If-Match', in: 'header', about: 'the ETag of a GET', isRequired: true }],
    body: object({ weights: { type: 'object', additionalProperties: COUNT }, reason: TEXT }, ['reason']),
    answers: {
      200: json('written', object({ written: object({ document: TEXT, revision: TEXT }) })),
      404: problem('no such route'),
      412: problem('changed since'),
      428: problem('no If-Match'),
      503: problem('not written'),
      504: problem('nobody knows: look again'),
      ...COMMANDED,
    },
  },
  post('rollback', '/api/v1/config/rollback', {
    tag: 'commands',
    summary: 'Back to an accepted configuration, whatever the sources hold; a reason is required',
    body: object({ reason: { type: 'string', maxLength: 500 }, revision: TEXT }, ['revision']),
    answers: {
      200: json('done', object({ done: object({ sentence: TEXT, number: COUNT, hash: TEXT }) })),
      404: problem('no such revision'),
      504: problem('not every worker has it yet: look again'),
      ...COMMANDED,
    },
  }),
  post('unpin', '/api/v1/config/unpin', {
    tag: 'commands',
    summary: 'What the sources hold counts again',
    body: ref('Reason'),
    answers: {
      200: json('done', object({ done: object({ sentence: TEXT, number: COUNT, hash: TEXT }) })),
      504: problem('not every worker has it yet: look again'),
      ...COMMANDED,
    },
  }),
  post('stopFaults', '/api/v1/faults/stop', {
    tag: 'commands',
    summary: 'Ends every fault on purpose, whatever its time',
    body: ref('Reason'),
    answers: { 200: json('their ids', object({ stopped: list(TEXT) })), ...COMMANDED },
  }),
  post('testChannel', '/api/v1/alerts/{channel}/test', {
    tag: 'commands',
    summary: 'Sends a test message to a channel now',
    parameters: [CHANNEL_PARAMETER],
    body: ref('Reason'),
    answers: {
      200: json('the channel took it', object({ tested: object({ channel: TEXT, tookMs: COUNT }) })),
      404: problem('no such channel'),
      502: problem('the channel did not take it, and why'),
      ...COMMANDED,
    },
  }),
  post('retryChannel', '/api/v1/alerts/{channel}/retry', {
    tag: 'commands',
    summary: 'Tries dead letters of a channel again',
    parameters: [CHANNEL_PARAMETER],
    body: ref('Reason'),
    answers: { 200: RETRIED, 404: problem('no such channel'), ...COMMANDED },
  }),
  post('retryAlerts', '/api/v1/alerts/retry', {
    tag: 'commands',
    summary: 'Tries dead letters of all channels again',
    body: ref('Reason'),
    answers: { 200: RETRIED, ...COMMANDED },
  }),
  post('restart', '/api/v1/restart', {
    tag: 'commands',
    summary: 'A process from the same command line takes over without a gap',
    body: ref('Reason'),
    answers: { 202: json('it has begun', object({ restart: object({ pid: COUNT, limitMs: COUNT }) })), ...COMMANDED },
  }),
];

const STEERING: readonly Operation[] = [
  post('reload', '/api/v1/reload', {
    tag: 'commands',
    summary: 'Reads the configuration and its sources again, and says what came of it, also when that is refused',
    answers: {
      200: json('what is in force then', object({ reload: ref('Reload') })),
      504: problem('not every source has answered yet: look again'),
      ...COMMANDED,
    },
  }),
  post('drain', '/api/v1/drain', {
    tag: 'commands',
    summary: 'Fails readiness, lets exchanges finish within the configured limits, then ends the process',
    answers: {
      202: json('it has begun', object({ drain: object({ delayMs: NUMBER, timeoutMs: NUMBER }) })),
      ...COMMANDED,
    },
  }),
];

const TAP_PARAMETERS: readonly Parameter[] = (
  [
    ['route', 'name of a route'],
    ['version', 'that answered, or failed before another one did'],
    ['color', 'that pinned the version'],
    ['status', '404, 5xx, 400-499, or none'],
    ['outcome', 'ok, failed, or a reason'],
    ['rate', `most requests a second, 1 to ${TAP_RATE_MAX}; default ${TAP_RATE}`],
  ] as const
).map(([name, about]) => ({ name, in: 'query', about }));

const DIAGNOSTICS: readonly Operation[] = [
  post('profile', '/api/v1/debug/profile', {
    tag: 'diagnostics',
    summary: 'A profile of one thread, as DevTools opens it; one at a time',
    body: object(
      {
        kind: { enum: ['cpu', 'heap'] },
        thread: TEXT,
        seconds: { ...NUMBER, exclusiveMinimum: 0, maximum: PROFILE_S_MAX },
      },
      ['kind', 'thread', 'seconds'],
    ),
    answers: {
      200: json('the profile', ANY),
      404: problem('no such thread'),
      503: problem('the thread gave none'),
      ...COMMANDED,
    },
  }),
  post('heapSnapshot', '/api/v1/debug/heap-snapshot', {
    tag: 'diagnostics',
    summary: 'The heap of the main thread, values and so secrets included: keep it like one',
    answers: { 200: json('the snapshot', ANY), ...COMMANDED },
  }),
  get('configInForce', '/api/v1/debug/config', {
    tag: 'diagnostics',
    summary: 'The configuration in force with its defaults, secrets redacted',
    needsToken: true,
    answers: { 200: json('the configuration', ANY), ...GUARDED },
  }),
  get('tap', '/api/v1/tap', {
    tag: 'diagnostics',
    summary:
      'Requests as they end, as server-sent events: `request` with the fields of the access log, and each second `counts` of what was not shown',
    needsToken: true,
    parameters: TAP_PARAMETERS,
    answers: {
      200: { about: 'until the reader leaves', type: 'text/event-stream' },
      400: problem('not a filter'),
      404: problem('no such route or version'),
      503: problem(`${TAPS_MAX} taps are open already`),
      ...GUARDED,
    },
  }),
  get('report', '/api/v1/debug/report', {
    tag: 'diagnostics',
    summary: 'Versions, status, configuration, decisions and metrics, for a report of a bug; no secret is in it',
    needsToken: true,
    answers: { 200: json('the report', ref('Report')), ...GUARDED },
  }),
];

/** In the order of the documentation. */
export const OPERATIONS: readonly Operation[] = [
  ...PROBES,
  ...LOOKING,
  ...PAGE,
  ...COMMANDS,
  ...STEERING,
  ...DIAGNOSTICS,
];
