import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findBinary } from '../../../support/runner/servers.ts';

/** Of Linux, in proc(5). */
const SCHED_OTHER = 0;
const SCHED_IDLE = 5;
const canPlace = ['taskset', 'chrt'].every((tool) => findBinary(tool) !== null);

test('what is let loose has every core back; who moved aside and goes last, the last one when nobody wants it', {
  skip: canPlace ? false : 'taskset or chrt is not installed',
}, () => {
  const own = /^Cpus_allowed_list:\s*(.+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  const told = execFileSync(process.execPath, [join(import.meta.dirname, 'pairs-child.ts')], { encoding: 'utf8' });
  const { aside, loose } = JSON.parse(told) as { readonly aside: object; readonly loose: object };
  assert.deepEqual(loose, { cores: own, schedulingClass: SCHED_OTHER });
  assert.deepEqual(aside, { cores: own.split(/[-,]/).at(-1), schedulingClass: SCHED_IDLE });
});
