/**
 * Loaded by `--import` before a gateway: the looks at one route's canary throw while a file says which, and so does the reading
 * of endpoints from a configuration that has a service named `odd`.
 *
 * The program itself has no way to be broken from outside; this replaces some of its functions in the process under test.
 */

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const BREAK_PLAN =
  "if (config.services.some(({ name }) => name === 'odd')) throw new TypeError('the endpoints are not iterable');";
const file = process.env['BROKEN_ROUTE_FILE'];
if (isMainThread && file !== undefined) {
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      if (!url.endsWith('/src/health/plan.ts')) return loaded;
      return {
        ...loaded,
        source: String(loaded.source).replace(/^export function planOf\(.*\n/m, `$&${BREAK_PLAN}\n`),
      };
    },
  });
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
