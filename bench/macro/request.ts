/**
 * The requests that the load generator sends: heads of exactly 600 bytes, one per user.
 *
 * 600 bytes is what a browser behind a login sends without tracking cookies: target, host, user agent, the accept
 * fields and one session cookie. The user key takes a fixed number of values, so that a sticky split has users to
 * spread and every gateway sees the same bytes.
 */

export const HEAD_BYTES = 600;
/** Different users; each is one prepared request. */
export const USERS = 64;

const FIELDS = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-US,en;q=0.5',
  'Accept-Encoding: gzip, deflate, br, zstd',
  'Referer: http://shop.example/catalog?page=3',
  'X-Client-Build: 2026.11.20-4',
];

/** The head of one user's request, `HEAD_BYTES` long: the session cookie fills it up. */
export function requestOf(user: number, port: number): string {
  const start = [
    'GET /catalog/items?category=7&sort=price HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    ...FIELDS,
    `X-User-Id: user-${String(user).padStart(4, '0')}`,
    'Cookie: session=',
  ].join('\r\n');
  const filler = HEAD_BYTES - start.length - 4;
  if (filler < 1) throw new Error(`the fixed fields take ${start.length} bytes, more than ${HEAD_BYTES}`);
  return `${start}${'0123456789abcdef'.repeat(HEAD_BYTES).slice(0, filler)}\r\n\r\n`;
}

/**
 * The load generator's script: sends the users' requests in turn and reports at the end as one line of JSON.
 *
 * @param thinkMs pause of a connection between its answer and its next request; 0 = none (saturation). It is drawn
 *   from 0.5 to 1.5 times this, so that the connections do not march in step.
 */
export function wrkScript(port: number, thinkMs: number): string {
  const requests = Array.from({ length: USERS }, (_, user) => `  [==[${requestOf(user, port)}]==],`);
  const delay = [
    'function delay()',
    `  return math.random(${Math.ceil(thinkMs * 0.5)}, ${Math.ceil(thinkMs * 1.5)})`,
    'end',
  ];
  return [
    'local requests = {',
    // A long bracket keeps CR and LF as they are, but for the first line break, of which there is none here.
    ...requests.map((text) => text.replaceAll('\r\n', ']==] .. "\\r\\n" .. [==[')),
    '}',
    'local turn = 0',
    'function request()',
    '  turn = turn % #requests + 1',
    '  return requests[turn]',
    'end',
    ...(thinkMs > 0 ? delay : []),
    'function done(summary, latency, _)',
    '  local errors = summary.errors',
    '  io.stderr:write(string.format(',
    '    \'{"requests":%d,"durationUs":%d,"badStatus":%d,"socketErrors":%d,"p50Us":%d,"p90Us":%d,"p99Us":%d,"maxUs":%d}\',',
    '    summary.requests, summary.duration, errors.status,',
    '    errors.connect + errors.read + errors.write + errors.timeout,',
    '    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max))',
    'end',
    '',
  ].join('\n');
}
