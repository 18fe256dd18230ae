/**
 * Loaded by `--import` before a gateway: the looks at one route's canary throw while a file says which. A configuration that has a
 * service named `odd` breaks the comparison with the one before it, and while that file says `endpoints` the reading of its endpoints.
 *
 * The program itself has no way to be broken from outside; this replaces some of its functions in the process under test.
 */

import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const IS_ODD = "services.some(({ name }) => name === 'odd')";
/** What is put first into functions of the program, by the file that has them. */
const BREAKS: Readonly<Record<string, readonly [RegExp, string]>> = {
  '/src/health/plan.ts': [
    /^export function planOf\(.*\n/m,
    `if (config.${IS_ODD} && globalThis.isBroken('endpoints')) throw new TypeError('the endpoints are not iterable');`,
  ],
  '/src/snapshot/restart.ts': [
    /^export function needsRestart\(.*\n/m,
    `if (after.${IS_ODD}) throw new TypeError('the listeners are not iterable');`,
  ],
};
const file = process.env['BROKEN_ROUTE_FILE'];
if (isMainThread && file !== undefined) {
  Object.assign(globalThis, { isBroken: (part: string) => textOf(file) === part });
  registerHooks({
    load: (url, context, next) => {
      const loaded = next(url, context);
      const [, [place, line] = []] = Object.entries(BREAKS).find(([path]) => url.endsWith(path)) ?? [];
      if (place === undefined) return loaded;
      return { ...loaded, source: String(loaded.source).replace(place, `$&${line}\n`) };
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
