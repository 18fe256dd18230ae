/**
 * The requests that are sent: heads of exactly 600 bytes, one per user, with the body and the target of a scenario.
 *
 * 600 bytes is what a browser behind a login sends without tracking cookies: target, host, user agent, the accept
 * fields and one session cookie. The user key takes a fixed number of values, so that a sticky split has users to
 * spread and every gateway sees the same bytes. Two users of 64 carry a color.
 */

import { routeTarget } from '../routes.ts';

export const HEAD_BYTES = 600;
/** Different users; each is one prepared request. */
export const USERS = 64;
/** Of requests with a large body fewer are prepared: each is kept in memory. */
const LARGE_BYTES = 65_536;
const LARGE_USERS = 4;
/** Every so many users one has a color. */
const COLORED_EVERY = 32;

/** What a scenario asks for. */
export interface Shape {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Size of the JSON body; 0 = none. */
  readonly bodyBytes: number;
  /** Ask for the connection's end after the answer. */
  readonly isLast: boolean;
  /** Routes of the gateway's table (`../routes.ts`); the users' requests are spread over it evenly. 1 = no table. */
  readonly routes: number;
}

export const SMALL_GET: Shape = {
  method: 'GET',
  path: '/catalog/items?category=7&sort=price',
  bodyBytes: 0,
  isLast: false,
  routes: 1,
};

const FIELDS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: http://shop.example/catalog?page=3',
];

/** Where a user's request goes: the gateway itself, or the user's share of its routes. */
function targetOf({ path, routes }: Shape, user: number, port: number): { host: string; path: string } {
  if (routes <= 1) return { host: `127.0.0.1:${port}`, path };
  const target = routeTarget(Math.floor(((user % USERS) * routes) / USERS), routes);
  return { host: target.host, path: `${target.path}${path}` };
}

/** The head of one user's request, `HEAD_BYTES` long: the session cookie fills it up. */
export function requestOf(shape: Shape, user: number, port: number): string {
  const { host, path } = targetOf(shape, user, port);
  const start = [
    `${shape.method} ${path} HTTP/1.1`,
    `Host: ${host}`,
    ...FIELDS,
    ...(shape.bodyBytes > 0 ? ['Content-Type: application/json', `Content-Length: ${shape.bodyBytes}`] : []),
    ...(shape.isLast ? ['Connection: close'] : []),
    ...(user % COLORED_EVERY === 0 ? ['X-Release-Stage: canary'] : []),
    `X-User-Id: user-${String(user).padStart(4, '0')}`,
    'Cookie: session=',
  ].join('\r\n');
  const filler = HEAD_BYTES - start.length - 4;
  if (filler < 1) throw new Error(`the fixed fields take ${start.length} bytes, more than ${HEAD_BYTES}`);
  return `${start}${'0123456789abcdef'.repeat(HEAD_BYTES).slice(0, filler)}\r\n\r\n`;
}

/** A JSON object of exactly `bytes`, as a Lua expression. */
function luaBody(bytes: number): string {
  const frame = '{"note":""}';
  return bytes === 0 ? "''" : `'{"note":"' .. string.rep('x', ${bytes - frame.length}) .. '"}'`;
}

/** wrk's script: sends the users' requests in turn and reports at the end as one line of JSON. */
export function wrkScript(shape: Shape, port: number): string {
  const users = shape.bodyBytes > LARGE_BYTES ? LARGE_USERS : USERS;
  const heads = Array.from({ length: users }, (_, user) => `  [==[${requestOf(shape, user, port)}]==] .. body,`);
  return [
    `local body = ${luaBody(shape.bodyBytes)}`,
    'local requests = {',
    // A long bracket keeps CR and LF as they are, but for the first line break, of which there is none here.
    ...heads.map((text) => text.replaceAll('\r\n', ']==] .. "\\r\\n" .. [==[')),
    '}',
    'local turn = 0',
    'function request()',
    '  turn = turn % #requests + 1',
    '  return requests[turn]',
    'end',
    'function done(summary, latency, _)',
    '  local errors = summary.errors',
    '  io.stderr:write(string.format(',
    '    \'{"requests":%d,"durationUs":%d,"badStatus":%d,"socketErrors":%d,"p50Us":%d,"p99Us":%d,"maxUs":%d}\',',
    '    summary.requests, summary.duration, errors.status,',
    '    errors.connect + errors.read + errors.write + errors.timeout,',
    '    latency:percentile(50), latency:percentile(99), latency.max))',
    'end',
    '',
  ].join('\n');
}
