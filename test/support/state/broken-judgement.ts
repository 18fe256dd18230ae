/**
 * Loaded by `--import` before a gateway: the looks at one route's canary throw while a file says which.
 *
 * The program itself has no way to be broken from outside; this replaces one of its functions in the process under test.
 */

import { readFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['BROKEN_ROUTE_FILE'];
if (isMainThread && file !== undefined) {
  const { Judgement } = await import('#src/slo/judgement.ts');
  const { look } = Judgement.prototype;
  Judgement.prototype.look = function (...args) {
    const { route } = args[0];
    if (route === textOf(file)) throw new TypeError(`the evidence of ${route} is not iterable`);
    return look.apply(this, args);
  };
  process.on('SIGWINCH', () => void Promise.reject(new RangeError('nobody waits for this')));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
