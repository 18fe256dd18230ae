/**
 * What the table of operations is written with: the shape of an operation, and the answers and parameters that many have.
 */

import { BODY_BYTES_MAX } from '../commands.ts';
import { COUNT, object, ref, type Schema } from './schemas.ts';

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly about: string;
  readonly isRequired?: boolean;
  readonly schema?: Schema;
}

export interface Answered {
  readonly about: string;
  /** Media type; none: no body is promised. */
  readonly type?: string;
  readonly schema?: Schema;
}

export interface Operation {
  readonly id: string;
  readonly method: 'get' | 'post' | 'put';
  readonly path: string;
  readonly tag: 'probes' | 'looking in' | 'commands' | 'diagnostics' | 'page';
  readonly summary: string;
  /** Asked for with the token. */
  readonly needsToken?: boolean;
  readonly parameters?: readonly Parameter[];
  /** JSON, never required. */
  readonly body?: Schema;
  /** By status. */
  readonly answers: Readonly<Record<string, Answered>>;
}

export const JSON_TYPE = 'application/json';
export const PLAIN = 'text/plain';
export const json = (about: string, schema: Schema): Answered => ({ about, type: JSON_TYPE, schema });
export const text = (about: string): Answered => ({ about, type: PLAIN });
export const problem = (about: string): Answered => ({
  about,
  type: 'application/problem+json',
  schema: ref('Problem'),
});

export const ROUTE_PARAMETER: Parameter = { name: 'route', in: 'path', about: 'name of the route', isRequired: true };
export const CHANNEL_PARAMETER: Parameter = {
  name: 'channel',
  in: 'path',
  about: 'name of the channel',
  isRequired: true,
};
export const ASKED: Parameter = {
  name: 'route',
  in: 'query',
  about: 'name of a route to have among those that are shown',
};

/** Refusals of everything that needs the token. */
export const GUARDED: Operation['answers'] = {
  401: problem('no token, or another one'),
  403: problem('a page of another site, or no token is configured'),
  413: problem(`more than ${BODY_BYTES_MAX} bytes of body`),
};
export const COMMANDED: Operation['answers'] = {
  ...GUARDED,
  400: problem('a body that is not understood'),
  409: problem('not in this state, and what to do instead'),
  415: problem('a body that is not application/json'),
};

export const RETRIED = json('how many are back in the queue', object({ retried: object({ letters: COUNT }) }));

export type Get = Omit<Operation, 'method' | 'path' | 'id'>;
export const get = (id: string, path: string, rest: Get): Operation => ({ id, method: 'get', path, ...rest });

export const post = (id: string, path: string, rest: Get): Operation => ({
  id,
  method: 'post',
  path,
  needsToken: true,
  ...rest,
});
