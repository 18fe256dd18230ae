/**
 * Completion for fish: a line for each command, action and option.
 * Source: fish manual, "complete".
 */

import type { OptionWord } from '../words.ts';
import { type Said, valueKindOf } from './said.ts';

/** The script, ending in a newline. */
export function fishScript(said: readonly Said[]): string {
  const commands = said.map(
    ({ name, about }) => `complete -c sluice -n __fish_use_subcommand -f -a ${name} -d '${quoted(about)}'`,
  );
  const names = said.map(({ name }) => name).join(' ');
  const lines = [
    '# fish completion of sluice, made by: sluice completion fish',
    ...commands,
    "complete -c sluice -n __fish_use_subcommand -f -a help -d 'help on a command'",
    `complete -c sluice -n '__fish_seen_subcommand_from help' -f -a '${names}'`,
    ...said.flatMap(commandLines),
  ];
  return `${lines.join('\n')}\n`;
}

function commandLines({ name, actions, options }: Said): string[] {
  const when = `complete -c sluice -n '__fish_seen_subcommand_from ${name}'`;
  const acts = actions.length === 0 ? [] : [`${when} -f -a '${actions.join(' ')}'`];
  return [...acts, ...options.map((option) => `${when} ${optionWords(option)}`)];
}

function optionWords(option: OptionWord): string {
  const { name, short, about, choices } = option;
  const takes = {
    none: [],
    choices: ['-x', `-a '${choices.join(' ')}'`],
    file: ['-r', '-F'],
    folder: ['-x', "-a '(__fish_complete_directories)'"],
    other: ['-x'],
  }[valueKindOf(option)];
  const names = [...(short === '' ? [] : [`-s ${short.slice(1)}`]), `-l ${name.slice(2)}`];
  return [...names, ...takes, `-d '${quoted(about)}'`].join(' ');
}

/** For single quotes. */
function quoted(text: string): string {
  return text.replace(/[\\']/g, '\\$&');
}
