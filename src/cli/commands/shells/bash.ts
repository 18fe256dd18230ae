/**
 * Completion for bash: one function, a case for each command. Where nothing is known, bash completes names of files.
 * Source: bash manual, "Programmable Completion".
 */

import { type Said, valueKindOf } from './said.ts';

/** The script, ending in a newline. */
export function bashScript(said: readonly Said[]): string {
  const names = [...said.map(({ name }) => name), 'help'].join(' ');
  return `# bash completion of sluice, made by: sluice completion bash
_sluice() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD - 1]} command=\${COMP_WORDS[1]}
  local actions='' options=''
  COMPREPLY=()
  if ((COMP_CWORD == 1)) || [[ $command == help ]]; then
    COMPREPLY=($(compgen -W '${names}' -- "$word"))
    return
  fi
  case $command:$before in
${said.flatMap(valueCases).join('\n')}
  esac
  case $command in
${said.map(wordsCase).join('\n')}
  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$word"))
  elif ((COMP_CWORD == 2)) && [[ -n $actions ]]; then
    COMPREPLY=($(compgen -W "$actions" -- "$word"))
  fi
}
complete -o default -F _sluice sluice
`;
}

function valueCases({ name, options }: Said): string[] {
  return options.flatMap((option) => {
    const kind = valueKindOf(option);
    // Files are what bash completes by itself.
    if (kind === 'none' || kind === 'file') return [];
    const pattern = [option.name, option.short].filter((one) => one !== '').map((one) => `${name}:${one}`);
    const does = {
      choices: `COMPREPLY=($(compgen -W '${option.choices.join(' ')}' -- "$word"))`,
      folder: 'COMPREPLY=($(compgen -d -- "$word"))',
      other: 'compopt +o default 2>/dev/null',
    }[kind];
    return [`    ${pattern.join(' | ')}) ${does}; return ;;`];
  });
}

function wordsCase({ name, actions, options }: Said): string {
  const all = options.flatMap((option) => [option.name, option.short].filter((one) => one !== ''));
  return `    ${name}) actions='${actions.join(' ')}' options='${all.join(' ')}' ;;`;
}
