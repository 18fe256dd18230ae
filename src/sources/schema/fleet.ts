/**
 * The shape of `fleet`: the other gateways that judge together with this one.
 */

import { z } from 'zod';
import { LOCK_STORES, WINDOW_POLICIES } from '../../model/threads/fleet.ts';
import { checkFile, FILE_PATH_META } from '../scalars/directory.ts';
import { checkRedis, parseRedis, REDIS_META } from '../scalars/redis.ts';
import { checkSecret, checkWord, SECRET_META, WORD_META } from '../scalars/store.ts';
import { duration, type PartFault, scalar, withRule, word } from './fields.ts';

const SECOND_MS = 1000;
const MINUTE_MS = 60_000;

function file(description: string): z.ZodType<string, string> {
  return scalar<string>(checkFile, FILE_PATH_META, description);
}

const tls = z.strictObject({
  ca: file('File with the certificates that the server’s must be signed by; default the system’s').optional(),
  cert: file('File with a certificate of our own').optional(),
  key: file('File with its key').optional(),
  serverName: scalar<string>(checkWord, WORD_META, 'Name that the server’s certificate must have').optional(),
});

const redis = withRule(
  z.strictObject({
    address: scalar<string>(checkRedis, REDIS_META, 'redis://host:port/database, or rediss:// over TLS'),
    username: scalar<string | null>(checkSecret, SECRET_META, 'Name to log in with; default the server’s').optional(),
    passwordFile: file('File that holds the password').optional(),
    tls: tls.optional(),
    timeout: duration(5, MINUTE_MS, 'Longest wait for one answer; default 50ms').optional(),
  }),
  ({ address, tls: files }) => {
    const faults: PartFault[] = [];
    if (files !== undefined && parseRedis(address)?.isTls === false) {
      const fault = { kind: 'sourceFields', expected: 'a rediss:// address with tls', got: 'redis://' } as const;
      faults.push({ path: ['address'], fault });
    }
    if (files !== undefined && (files.cert === undefined) !== (files.key === undefined)) {
      const missing = files.cert === undefined ? 'cert' : 'key';
      const hint = 'a certificate needs its key';
      faults.push({
        path: ['tls', missing],
        fault: { kind: 'sourceFields', expected: `${missing} too`, got: 'nothing', hint },
      });
    }
    return faults;
  },
  {},
);

export const fleet = z.strictObject({
  name: scalar<string>(checkWord, WORD_META, 'Name that all gateways of the fleet share; their keys begin with it'),
  member: scalar<string>(checkWord, WORD_META, 'What people call this gateway; default its machine’s name').optional(),
  redis,
  lock: word(
    LOCK_STORES,
    'Where the locks are: consul and etcd are the first source of that kind; default redis',
  ).optional(),
  lease: duration(SECOND_MS, MINUTE_MS, 'After which the lock of a leader that is gone is free; default 3s').optional(),
  window: z
    .strictObject({
      lease: duration(
        SECOND_MS,
        10 * MINUTE_MS,
        'After which the window of a rollout that nobody leads is free; default 10s',
      ).optional(),
      onTaken: word(WINDOW_POLICIES, 'A start while another rollout has the window; default wait').optional(),
    })
    .optional(),
});
