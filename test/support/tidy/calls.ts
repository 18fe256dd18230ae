/**
 * Banned calls and words, each with the reason and what to use instead.
 *
 * Only what the linters cannot say, because it depends on where a file lies. Patterns run over the code alone: strings
 * and comments may name what they like, except where a rule is about comments.
 */

import { type Finding, lineAt, type Rule, type SourceFile, under } from './files.ts';
import { importsOf, scan } from './scan.ts';

/** One banned call. */
interface Ban {
  readonly pattern: RegExp;
  /** Folders and files where it is banned, by prefix. */
  readonly inside: readonly string[];
  /** Exceptions, by prefix. */
  readonly except: readonly string[];
  readonly because: string;
}

/** Steady, seeded, on virtual time: no clock, no chance, no sleeping. */
const VIRTUAL = ['test/unit/', 'test/property/', 'test/simulation/'];
/** Functions of their arguments alone. */
const PURE = [
  'src/slo/sli',
  'src/slo/budget',
  'src/slo/verdict',
  'src/slo/rollout',
  'src/slo/window',
  'src/snapshot/compile',
  'src/overload/limit',
];

const BANS: readonly Ban[] = [
  {
    pattern: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/g,
    inside: ['src/'],
    except: ['src/lib/clock.ts'],
    because: 'the wall clock jumps; take time as an argument or use lib/clock.ts',
  },
  {
    pattern: /\bperformance\.now\b|\bprocess\.hrtime\b/g,
    inside: ['src/'],
    except: ['src/lib/clock.ts'],
    because: 'one clock, so that tests can set it: lib/clock.ts',
  },
  {
    pattern: /\bDate\.now\b|\bMath\.random\b/g,
    inside: VIRTUAL,
    except: [],
    because: 'these tests run on virtual time from a printed seed',
  },
  {
    pattern: /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b|\bgetRandomValues\b|\brandomFillSync\b/g,
    inside: ['src/'],
    except: ['src/lib/random'],
    because: 'randomness is an argument; the sources are in lib/random',
  },
  {
    pattern: /\bprocess\.exit\b/g,
    inside: ['src/'],
    except: ['src/main.ts', 'src/cli/'],
    because: 'it cuts requests and logs short; return, or throw SluiceError and let main.ts decide the exit code',
  },
  {
    pattern: /\bprocess\.env\b/g,
    inside: ['src/'],
    except: ['src/main.ts', 'src/cli/', 'src/gateway.ts'],
    because: 'configuration is the document; an environment variable is a second, hidden one',
  },
  {
    pattern: /\bprocess\.(?:stdout|stderr)\b/g,
    inside: ['src/'],
    except: ['src/main.ts', 'src/cli/', 'src/lib/', 'src/export/'],
    because: 'only the command line talks to the terminal; the gateway logs',
  },
  {
    pattern: /\beval\s*\(|\bnew\s+Function\b/g,
    inside: ['src/', 'test/', 'bench/'],
    except: [],
    because: 'code from strings is an injection surface; write a function',
  },
  {
    pattern: /\bexport\s+default\b/g,
    inside: ['src/', 'test/', 'bench/'],
    except: [],
    because: 'a default export has a different name in every file; export by name',
  },
  {
    pattern: /\bconsole\./g,
    inside: ['src/'],
    except: [],
    because: 'log through lib/log.ts, print through the command line',
  },
  {
    pattern:
      /\bset(?:Timeout|Interval|Immediate)\b|\bDate\b|(?<![\w.#])process\.(?:env|hrtime|nextTick|on|uptime)\b|\bMath\.random\b|\b(?:async|await)\b/g,
    inside: PURE,
    except: [],
    because: 'this module is pure: time and randomness are arguments, and it never waits',
  },
  {
    pattern: /\bfs\.\w+Sync\b|\b(?:read|write|append)FileSync\b|\bexecSync\b|\bspawnSync\b/g,
    inside: ['src/proxy/', 'src/slo/', 'src/admin/', 'src/snapshot/', 'src/worker.ts'],
    except: [],
    because: 'it stops the event loop that serves requests or ticks verdicts',
  },
];

function startsWithAny(path: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => path.startsWith(prefix));
}

/** A finding for every match of a pattern in the file's text. */
function matches(file: SourceFile, pattern: RegExp, { rule, message }: Pick<Finding, 'rule' | 'message'>): Finding[] {
  return [...file.text.matchAll(pattern)].map((match) => ({
    rule,
    path: file.path,
    line: lineAt(file.text, match.index),
    message: `${match[0].trim()}: ${message}`,
  }));
}

/** The file with nothing but its code, and with nothing but its comments; offsets stay. */
function codeOnly({ path, text }: SourceFile): SourceFile {
  return { path, text: scan(text).code };
}
function commentsOnly({ path, text }: SourceFile): SourceFile {
  return path.endsWith('.ts') ? { path, text: scan(text).comments } : { path, text };
}

function scripts(files: readonly SourceFile[]): SourceFile[] {
  return files.filter(({ path }) => path.endsWith('.ts'));
}

/** Calls of the table stand only where the table allows them. */
export const bannedCallRule: Rule = (files) =>
  scripts(files).flatMap((file) =>
    BANS.filter(({ inside, except }) => startsWithAny(file.path, inside) && !startsWithAny(file.path, except)).flatMap(
      ({ pattern, because }) => matches(codeOnly(file), pattern, { rule: 'banned-call', message: because }),
    ),
  );

const FOCUS =
  /\.only\s*\(|\bonly:\s*true\b|\b(?:test|it|describe|suite)\.(?:skip|todo)\s*\(|\b(?:skip|todo):\s*true\b/g;

/** No test is focused, switched off or promised: a skip is decided at run time and says why. */
export const focusedTestRule: Rule = (files) =>
  under(files, 'test/', '.ts').flatMap((file) =>
    matches(codeOnly(file), FOCUS, {
      rule: 'focused-test',
      message: 'every test runs, or says at run time why it cannot',
    }),
  );

/** Tests on virtual time do not import the real kind of waiting. */
export const sleepRule: Rule = (files) =>
  VIRTUAL.flatMap((folder) => under(files, folder, '.ts')).flatMap((file) =>
    importsOf(file.text)
      .filter(({ specifier }) => specifier === 'node:timers/promises')
      .map(({ offset }) => ({
        rule: 'sleep',
        path: file.path,
        line: lineAt(file.text, offset),
        message: 'these tests run on virtual time; wait for the event itself',
      })),
  );

const PROMISES = /\b(?:TODO|FIXME|XXX|HACK)\b/g;

/** Nothing is promised in a comment or a page: it is done, or it is an issue. */
export const promiseRule: Rule = (files) =>
  files
    .filter(({ path }) => /\.(?:ts|md|ya?ml|service)$/.test(path) || /(?:^|\/)Dockerfile$/.test(path))
    .flatMap((file) => matches(commentsOnly(file), PROMISES, { rule: 'promise', message: 'do it, or open an issue' }));

/** Absolute paths of a developer's machine, and hosts that packages were fetched from. */
const MACHINE = /(?<![\w.])\/(?:work|root|Users|home\/\w+|workspaces?)\/|\bregistry\.(?:npmjs|yarnpkg|npmmirror)\.\w+/g;

/** Tracked files name no machine and no registry, so that they mean the same everywhere. */
export const machinePathRule: Rule = (files) =>
  files
    .filter(({ path }) => !path.startsWith('test/support/tidy/'))
    .flatMap((file) => matches(file, MACHINE, { rule: 'machine-path', message: 'means nothing on another machine' }));
