/**
 * Completion for zsh: commands with what they are for, then the options of one.
 * Source: zshcompsys(1), "_describe", "_arguments".
 */

import type { OptionWord } from '../words.ts';
import { type Said, valueKindOf } from './said.ts';

/** The script, ending in a newline. */
export function zshScript(said: readonly Said[]): string {
  const rows = said.map(({ name, about }) => `    '${name}:${quoted(about.replaceAll(':', '\\:'))}'`);
  return `#compdef sluice
# zsh completion of sluice, made by: sluice completion zsh
_sluice() {
  local -a commands
  commands=(
${rows.join('\n')}
    'help:help on a command'
  )
  if ((CURRENT == 2)) || [[ $words[2] == help ]]; then
    _describe -t commands command commands
    return
  fi
  shift words
  ((CURRENT--))
  case $words[1] in
${said.map(argumentsCase).join('\n')}
  esac
}
compdef _sluice sluice
`;
}

function argumentsCase({ name, actions, options }: Said): string {
  const first = actions.length === 0 ? [] : [`'1:action:(${actions.join(' ')})'`];
  const specs = [...options.map(specOf), ...first, "'*:file:_files'"];
  return `    ${name})\n      _arguments \\\n        ${specs.join(' \\\n        ')}\n      ;;`;
}

function specOf(option: OptionWord): string {
  const { name, short, value, choices } = option;
  const about = quoted(option.about.replace(/[[\]]/g, '\\$&').replaceAll(':', '\\:'));
  const takes = {
    none: '',
    choices: `:${value}:(${choices.join(' ')})`,
    file: `:${value}:_files`,
    folder: `:${value}:_files -/`,
    other: `:${value}:`,
  }[valueKindOf(option)];
  return short === '' ? `'*${name}[${about}]${takes}'` : `'*'{${short},${name}}'[${about}]${takes}'`;
}

/** For single quotes. */
function quoted(text: string): string {
  return text.replaceAll("'", "'\\''");
}
