/**
 * The weights of a route over the admin server: `GET` and `PUT /api/v1/routes/{route}/weights`.
 *
 * ```
 * GET   what the store has now, with its revision as ETag, and what counts in this gateway
 * PUT   {"weights": {"v1": 90, "v2": 10}, "reason": "text"} with If-Match: the ETag that was seen, and the token
 * ```
 * A PUT replaces the document: a version that it does not name has the route's own weight. Refusals of a PUT:
 * ```
 * 403 other site, read only ▸ 401 token ▸ 415 type ▸ 428 no If-Match ▸ 413 size ▸ 400 body, weights ▸ 404 route
 * ▸ 409 nowhere to write ▸ 412 changed since ▸ 503 not written ▸ 504 nobody knows: look again
 * ```
 * Source: RFC 9110 sections 13.1.1 and 15.5.13, RFC 6585 section 3.
 */

import type { IncomingMessage } from 'node:http';
import type { WeightsAnswer, WeightsCommand } from '../model/rollout.ts';
import { type AdminActions, admit, BODY_BYTES_MAX, bodyOf, cut, jsonObjectOf, reasonIn } from './commands.ts';
import { jsonReply, problemReply, type Reply } from './reply.ts';
import type { AdminView } from './view.ts';

const PATH = /^\/api\/v1\/routes\/([A-Za-z0-9._-]{1,253})\/weights$/;
/** One strong validator, as a GET gives it. */
const ETAG = /^"([0-9a-f]{1,64})"$/;
const WEIGHT_MAX = 1_000_000;

/** The route of a path as received; null when it is of no weights. */
export function weightsTarget(path: string): string | null {
  return PATH.exec(path)?.[1] ?? null;
}

/** Answers a request for the weights of a route; its host has been checked. */
export async function answerWeights(
  request: IncomingMessage,
  route: string,
  { view, actions }: { readonly view: AdminView; readonly actions: AdminActions | null },
): Promise<Reply> {
  if (request.method === 'GET' || request.method === 'HEAD') return shown(request, route, view);
  if (request.method !== 'PUT')
    return cut(405, 'Weights are read with GET and set with PUT', { allow: 'GET, HEAD, PUT' });
  const admitted = admit(request, actions);
  if ('turned' in admitted) return admitted.turned;
  const match = request.headers['if-match'];
  if (match === undefined) return cut(428, 'Say what you have seen: If-Match with the ETag of a GET');
  const revision = ETAG.exec(match)?.[1];
  if (revision === undefined) return cut(400, 'If-Match is the one ETag that a GET gave');
  const body = await bodyOf(request);
  if (body === null) return cut(413, `Weights have at most ${BODY_BYTES_MAX} bytes of body`);
  const wishes = wishesOf(body);
  if (typeof wishes === 'string') return problemReply(400, wishes);
  return replyOf(await admitted.actions.setWeights({ route, revision, by: 'api', ...wishes }));
}

async function shown({ headers }: IncomingMessage, route: string, view: AdminView): Promise<Reply> {
  if (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0) {
    return cut(413, 'No request body is taken here');
  }
  const weights = await view.weights(route);
  if (weights === null) return problemReply(404, `There is no route ${route}`);
  return { ...jsonReply(weights), headers: weights.revision === null ? {} : { etag: `"${weights.revision}"` } };
}

const STATUS: Readonly<Record<Exclude<WeightsAnswer['kind'], 'written'>, number>> = {
  unknown: 404,
  invalid: 400,
  refused: 409,
  conflict: 412,
  unavailable: 503,
  unconfirmed: 504,
};

function replyOf(answer: WeightsAnswer): Reply {
  if (answer.kind === 'written') {
    const { document, revision } = answer;
    return { ...jsonReply({ written: { document, revision } }), headers: { etag: `"${revision}"` } };
  }
  const present = answer.kind === 'conflict' ? { present: answer.present } : {};
  return problemReply(STATUS[answer.kind], answer.detail, {}, { outcome: answer.kind, ...present });
}

/** What the body asks for, or what is wrong with it. */
function wishesOf(text: string): Pick<WeightsCommand, 'weights' | 'reason'> | string {
  const body = jsonObjectOf(text);
  if (typeof body === 'string') return body;
  const { weights, reason: given = '', ...unknown } = body;
  if (Object.keys(unknown).length > 0) return 'The body has the fields weights and reason, and no others';
  const reason = reasonIn(given);
  if (reason === null) return 'reason is text of at most 500 characters';
  if (typeof weights !== 'object' || weights === null || Array.isArray(weights)) {
    return 'weights is an object, such as {"v1": 90, "v2": 10}';
  }
  const isSound = Object.values(weights).every(
    (weight) => Number.isInteger(weight) && weight >= 0 && weight <= WEIGHT_MAX,
  );
  return isSound
    ? { weights: weights as WeightsCommand['weights'], reason }
    : `A weight is an integer from 0 to ${WEIGHT_MAX}`;
}
