/**
 * The shape of what is said of idempotency keys: of a route's, and of where answers are kept.
 */

import { z } from 'zod';
import {
  ANSWER_STORES,
  CONCURRENT_POLICIES,
  KEYED_METHODS,
  STORE_FAILURE_POLICIES,
} from '../../../model/threads/answers/idempotency.ts';
import { freeHeader, TOKEN_META } from '../../scalars/http.ts';
import { DAY_MS, duration, integer, MIB, scalar, size, token, word } from '../fields.ts';

const MINUTE_MS = 60_000;

/** Of one route. */
export const idempotency = z.strictObject({
  header: scalar<string>(
    freeHeader('Idempotency-Key'),
    TOKEN_META,
    'Header with the key; default Idempotency-Key',
  ).optional(),
  methods: z.array(word(KEYED_METHODS, 'Method whose requests have keys; default POST, PATCH')).min(1).optional(),
  ttl: duration(1000, 7 * DAY_MS, 'How long an answer is kept; default 24h').optional(),
  missing: word(['allow', 'require'], 'A request without a key; require refuses it with 400; default allow').optional(),
  concurrent: word(CONCURRENT_POLICIES, 'While another one with the key is under way; default wait').optional(),
  waitMax: duration(1, 10 * MINUTE_MS, 'Longest wait for it, then 409; default 10s').optional(),
  credentials: z
    .strictObject({
      headers: z.array(token('header name', 'Header that tells who asks; default Authorization')).max(8).optional(),
      cookies: z.array(token('cookie name', 'Cookie that tells who asks; without: none does')).max(8).optional(),
    })
    .optional(),
  requestBytesMax: size(0, 16 * MIB, 'Longest body of a request with a key, else 413; default 1MiB').optional(),
  responseBytesMax: size(1, 16 * MIB, 'Longest answer that is kept, head included; default 64KiB').optional(),
});

/** Of all routes. */
export const answers = z.strictObject({
  store: word(ANSWER_STORES, 'Where answers are kept; redis is that of the fleet; default memory').optional(),
  entriesMax: integer(1, 10_000_000, 'Answers in memory, and keys that are taken; default 10000').optional(),
  bytesMax: size(1024, 64 * 1024 * MIB, 'Answers in memory; default 64MiB').optional(),
  onStoreFailure: word(
    STORE_FAILURE_POLICIES,
    'While Redis does not answer: every gateway by itself, or 503; default local',
  ).optional(),
});
