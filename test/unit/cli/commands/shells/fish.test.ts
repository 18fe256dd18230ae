import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fishScript } from '#src/cli/commands/shells/fish.ts';

test('the script for fish has a line for each command, action and option', () => {
  const options = [
    { name: '--output', short: '-o', value: 'FORMAT', about: "isn't", choices: ['text', 'json'] },
    { name: '--state', short: '', value: 'DIR', about: 'a folder', choices: [] },
    { name: '--config', short: '', value: 'FILE', about: 'a file', choices: [] },
    { name: '--rps', short: '', value: 'N', about: 'a number', choices: [] },
    { name: '--once', short: '', value: '', about: 'flag', choices: [] },
  ];
  const script = fishScript([{ name: 'door', about: "it's one", usage: '', actions: ['open', 'close'], options }]);
  const when = "complete -c sluice -n '__fish_seen_subcommand_from door'";
  assert.deepEqual(script.trimEnd().split('\n').slice(1), [
    "complete -c sluice -n __fish_use_subcommand -f -a door -d 'it\\'s one'",
    "complete -c sluice -n __fish_use_subcommand -f -a help -d 'help on a command'",
    "complete -c sluice -n '__fish_seen_subcommand_from help' -f -a 'door'",
    `${when} -f -a 'open close'`,
    `${when} -s o -l output -x -a 'text json' -d 'isn\\'t'`,
    `${when} -l state -x -a '(__fish_complete_directories)' -d 'a folder'`,
    `${when} -l config -r -F -d 'a file'`,
    `${when} -l rps -x -d 'a number'`,
    `${when} -l once -d 'flag'`,
  ]);
});
