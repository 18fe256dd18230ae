import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LossGuard } from '#src/compose/config/start/loss.ts';
import type { Config } from '#src/model/config.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

/** As many routes to one service. */
function sized(routes: number): Config {
  const names = Array.from(
    { length: routes },
    (_, n) => `  - {name: r${n}, hostnames: [r${n}.test], backendRefs: [{name: shop, version: v1}]}`,
  );
  return configOf(`${SOUND.slice(0, SOUND.indexOf('routes:'))}routes:\n${names.join('\n')}\n`);
}

function rig() {
  const logged: (readonly [string, unknown])[] = [];
  let due: (() => void) | null = null;
  let again = 0;
  const guard = new LossGuard({
    log: { error: (event: string, fields: unknown) => void logged.push([event, fields]) },
    timers: {
      set: (run) => {
        due = run;
        return run;
      },
      clear: () => {
        due = null;
      },
    },
    again: () => void (again += 1),
  });
  return { guard, logged, pass: () => due?.(), isWaiting: () => due !== null, again: () => again };
}

test('what has not lost much is believed at once', () => {
  const { guard, logged, isWaiting } = rig();
  assert.equal(guard.believes(sized(10), sized(10), 1000), true);
  assert.equal(guard.believes(sized(10), sized(5), 1000), true);
  assert.deepEqual([logged, isWaiting()], [[], false]);
});

test('a sudden loss is told once, and believed when it has lasted', () => {
  const { guard, logged, pass, again } = rig();
  assert.equal(guard.believes(sized(10), sized(1), 1000), false);
  assert.equal(guard.believes(sized(10), sized(2), 1000), false);
  assert.equal(logged.length, 1);
  assert.partialDeepStrictEqual(logged[0], ['config_shrunk', { before: 11, after: 2, confirmMs: 1000 }]);
  assert.equal(again(), 0);
  pass();
  assert.equal(again(), 1);
  assert.equal(guard.believes(sized(10), sized(1), 1000), true);
});

test('a person may believe it sooner; a word about no loss changes nothing', () => {
  const { guard, isWaiting, again } = rig();
  guard.confirm();
  assert.equal(again(), 0);
  assert.equal(guard.believes(sized(10), sized(1), 1000), false, 'nobody had seen it');
  guard.confirm();
  assert.deepEqual([again(), isWaiting()], [1, false]);
  assert.equal(guard.believes(sized(10), sized(1), 1000), true);
});

test('a loss that is made good ends the wait, and so does the end', () => {
  const { guard, isWaiting } = rig();
  guard.believes(sized(10), sized(1), 1000);
  assert.equal(guard.believes(sized(10), sized(9), 1000), true);
  assert.equal(isWaiting(), false);
  guard.believes(sized(10), sized(1), 1000);
  guard.close();
  assert.equal(isWaiting(), false);
  assert.equal(guard.believes(sized(10), sized(1), 0), true, 'shrinkConfirm: 0s believes everything');
});
