/**
 * Checks what is said of idempotency keys: there is a Redis where answers are to be kept in one, an answer that a route keeps
 * has room, and a key does not tell who asks.
 */

import { buildIdempotency } from '../../build/answers/idempotency.ts';
import { toBytes } from '../../build/values.ts';
import { DEFAULT_ANSWERS } from '../../defaults.ts';
import type { Report } from '../../problems/report.ts';
import type { Draft } from '../draft.ts';
import { checkUnique } from '../lists.ts';

/** Reports what could not work. */
export function checkIdempotency({ routes, whole }: Draft, report: Report): void {
  if (whole?.idempotency?.store === 'redis' && whole.fleet === undefined) {
    const hint = 'fleet.redis says where the Redis is that gateways share';
    report.add(['idempotency', 'store'], { kind: 'answersStore', expected: 'memory, as there is no fleet', hint });
  }
  const bytesMax = toBytes(whole?.idempotency?.bytesMax, DEFAULT_ANSWERS.bytesMax);
  for (const [index, route] of routes.entries()) {
    const config = route === null ? undefined : buildIdempotency(route).idempotency;
    if (config === undefined) continue;
    const path = ['routes', index, 'idempotency'];
    checkUnique(config.methods, [...path, 'methods'], report, (method) => method);
    const at = config.headers.indexOf(config.header);
    if (at >= 0) {
      const expected = 'headers that tell who asks; the key does not';
      report.add([...path, 'credentials', 'headers', at], { kind: 'keyAsCredential', expected });
    }
    if (whole === null || config.responseBytesMax <= bytesMax) continue;
    const expected = `at most what all answers may take, ${bytesMax} bytes (idempotency.bytesMax)`;
    report.add([...path, 'responseBytesMax'], { kind: 'answerTooLong', expected });
  }
}
