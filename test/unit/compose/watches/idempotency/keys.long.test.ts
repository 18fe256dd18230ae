/** The thread that brokers idempotency keys: there is one at a time, and one again as soon as the system gives it. */

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { IdempotencyKeys } from '#src/compose/watches/idempotency/keys.ts';
import { createLog } from '#src/lib/log.ts';
import type { Config } from '#src/model/config.ts';
import { DEFAULT_ANSWERS } from '#src/sources/defaults.ts';
import { until } from '../../../../support/gateway.ts';
import { withoutThreads } from '../../../../support/state/threads.ts';

const LONG_MS = 3_600_000;

/** Keys in use while no thread can be made, and how many threads were made since. */
function rig(t: TestContext) {
  let threads = 0;
  const count = (): void => void threads++;
  process.on('worker', count);
  t.after(() => process.off('worker', count));
  const giveBack = withoutThreads(t);
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const causes: string[] = [];
  const error = (_event: string, fields?: object): void => void causes.push((fields as { cause: string }).cause);
  const keys = new IdempotencyKeys({ ...createLog({ level: 'silent' }), error });
  t.after(() => keys.close());
  const follow = (answers = DEFAULT_ANSWERS): void => keys.follow({ idempotency: answers, fleet: null } as Config);
  follow();
  return { keys, follow, causes, giveBack, threads: () => threads };
}

describe('the thread of idempotency keys', { timeout: 120_000 }, () => {
  it('that cannot be made is told, and tried again until there is one', async (t) => {
    const { keys, causes, giveBack, threads } = rig(t);
    t.mock.timers.tick(LONG_MS);
    assert.ok(causes.length > 1);
    for (const cause of causes) assert.match(cause, /^Error: EAGAIN/);
    giveBack();
    t.mock.timers.tick(LONG_MS);
    t.mock.timers.reset();
    await until('the thread has said how it stands', () => keys.status !== null);
    assert.equal(threads(), 1);
  });

  it('is one, also when another configuration comes before the next try', async (t) => {
    const { keys, follow, giveBack, threads } = rig(t);
    giveBack();
    follow({ ...DEFAULT_ANSWERS, store: 'redis' });
    t.mock.timers.tick(LONG_MS);
    t.mock.timers.reset();
    await until('the thread has said how it stands', () => keys.status !== null);
    assert.equal(threads(), 1);
  });
});
