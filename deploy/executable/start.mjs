/**
 * What the executable runs: the package that it carries, as `node FILE ARGUMENTS...` would run it from a folder.
 *
 * The command line is left as Node leaves it there, the file in `process.argv[1]`, and a file of the package as the first argument
 * runs in the place of the command `sluice`. So whoever starts the program again, a restart or the demo, does it in the same words.
 */

import { pathToFileURL } from 'node:url';
import { constants, runInThisContext } from 'node:vm';

// Node's own `import()` knows only its built-in modules here; the loader of the context knows files, too.
const load = /** @type {(specifier: string) => Promise<unknown>} */ (
  runInThisContext('(specifier) => import(specifier)', {
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  })
);

// The last option that the executable was built with is the module that mounts.
const { root } = /** @type {typeof import('./mount.mjs')} */ (await load(process.execArgv.at(-1) ?? ''));
// They are in the executable: who starts it again must not give them as arguments. Threads have them all the same.
process.execArgv = [];

const [executable = '', , ...args] = process.argv;
const [first = ''] = args;
const isFile = first.startsWith(`${root}/`);
const file = isFile ? first : `${root}/dist/main.js`;
process.argv = [executable, file, ...(isFile ? args.slice(1) : args)];
await load(pathToFileURL(file).href);
