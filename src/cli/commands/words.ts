/**
 * What can be said to a command, read from its usage: what help does not say is neither completed nor documented.
 *
 * ```
 * sluice rollout start|pause ROUTE [--reason TEXT]    a word in lower case behind the name: an action, | between several
 *   -o, --output FORMAT  text, json; default text     an option, its value in upper case, and what it is for
 *   start                begin at the first step      what an action is for
 * ```
 */

/** One option of a command. */
export interface OptionWord {
  /** `--output` */
  readonly name: string;
  /** `-o`; empty without one. */
  readonly short: string;
  /** `FORMAT`; empty of one that takes no value. */
  readonly value: string;
  readonly about: string;
  /** Values that it takes, where there are only a few. */
  readonly choices: readonly string[];
}

/** What can be said to a command. */
export interface Words {
  readonly actions: readonly string[];
  readonly options: readonly OptionWord[];
}

const ROW = /^ {2}(?:(-\w), )?(--[a-z][\w-]*)(?: ([A-Z][\w:|]*))?(?:, --[\w-]+(?: [A-Z]+)?)* {2,}(\S.*)$/;
const PAIR = /^ {2}(--[a-z]\w*) ([A-Z]+), (--[a-z]\w*) ([A-Z]+) {2,}(\S.*)$/;

/** The words of a command. @param usage its answer to --help */
export function wordsOf(name: string, usage: string): Words {
  const lines = usage.split('\n');
  const heads = lines.slice(0, lines.indexOf('')).filter((line) => line.startsWith(`sluice ${name}`));
  const actions = heads.flatMap((head) => actionsIn(head.slice(`sluice ${name}`.length)));
  const rows = lines.flatMap((line, at) => rowOf(line, lines.slice(at + 1)));
  const options = new Map(rows.map((row) => [row.name, row]));
  return { actions: [...new Set(actions)], options: [...options.values()] };
}

/** ` start|pause ROUTE …` or ` [stop] …` */
function actionsIn(rest: string): string[] {
  const [word = ''] = rest.trim().split(/\s+/);
  const names = word.replace(/^\[|\]$/g, '').split('|');
  return names.every((one) => /^[a-z][a-z-]*$/.test(one)) ? names : [];
}

function rowOf(line: string, below: readonly string[]): OptionWord[] {
  const [, first, firstValue = '', second, secondValue = '', both = ''] = PAIR.exec(line) ?? [];
  if (first !== undefined && second !== undefined) {
    const about = [both, ...goesOn(below)].join(' ');
    return [
      { name: first, short: '', value: firstValue, about, choices: [] },
      { name: second, short: '', value: secondValue, about, choices: [] },
    ];
  }
  const [, short = '', name, value = '', start = ''] = ROW.exec(line) ?? [];
  if (name === undefined) return [];
  const about = [start, ...goesOn(below)].join(' ');
  return [{ name, short, value, about, choices: value === '' ? [] : choicesIn(about) }];
}

/** Lines of an explanation beyond its first: they stand under it. */
function goesOn(below: readonly string[]): string[] {
  const end = below.findIndex((line) => !/^ {10,}\S/.test(line));
  return below.slice(0, end === -1 ? undefined : end).map((line) => line.trim());
}

/** `text, json; default text` and `… : traffic, errors; default …`: words in lower case up to the semicolon. */
function choicesIn(about: string): string[] {
  const listed = about.split(';')[0]?.split(': ').at(-1) ?? '';
  const names = listed
    .replace(/\([^)]*\)/g, '')
    .split(',')
    .map((one) => one.trim());
  return names.length > 1 && names.every((one) => /^[a-z][\w-]*$/.test(one)) ? names : [];
}
