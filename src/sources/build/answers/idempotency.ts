/**
 * Builds what is said of idempotency keys from a sound document.
 */

import type { Config, RouteConfig } from '../../../model/config.ts';
import { DEFAULT_ANSWERS, DEFAULT_IDEMPOTENCY } from '../../defaults.ts';
import type { DocumentInput, RouteInput } from '../../schema.ts';
import { toBytes, toMs } from '../values.ts';

/** Nothing where no keys count: such a route is as it was before there were any. */
export function buildIdempotency({ idempotency: input }: RouteInput): Pick<RouteConfig, 'idempotency'> {
  if (input === undefined) return {};
  const { headers, cookies } = input.credentials ?? {};
  return {
    idempotency: {
      header: (input.header ?? DEFAULT_IDEMPOTENCY.header).toLowerCase(),
      methods: input.methods ?? DEFAULT_IDEMPOTENCY.methods,
      ttlMs: toMs(input.ttl, DEFAULT_IDEMPOTENCY.ttlMs),
      isRequired: input.missing === 'require',
      concurrent: input.concurrent ?? DEFAULT_IDEMPOTENCY.concurrent,
      waitMs: toMs(input.waitMax, DEFAULT_IDEMPOTENCY.waitMs),
      headers: (headers ?? DEFAULT_IDEMPOTENCY.headers).map((name) => name.toLowerCase()),
      cookies: cookies ?? DEFAULT_IDEMPOTENCY.cookies,
      requestBytesMax: toBytes(input.requestBytesMax, DEFAULT_IDEMPOTENCY.requestBytesMax),
      responseBytesMax: toBytes(input.responseBytesMax, DEFAULT_IDEMPOTENCY.responseBytesMax),
    },
  };
}

/** Where answers are kept; nothing where there are none to keep. */
export function buildAnswers({ idempotency: input, routes }: DocumentInput): Pick<Config, 'idempotency'> {
  if (!routes.some(({ idempotency }) => idempotency !== undefined)) return {};
  return {
    idempotency: {
      store: input?.store ?? DEFAULT_ANSWERS.store,
      entriesMax: input?.entriesMax ?? DEFAULT_ANSWERS.entriesMax,
      bytesMax: toBytes(input?.bytesMax, DEFAULT_ANSWERS.bytesMax),
      onStoreFailure: input?.onStoreFailure ?? DEFAULT_ANSWERS.onStoreFailure,
    },
  };
}
