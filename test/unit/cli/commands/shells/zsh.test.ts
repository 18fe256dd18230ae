import assert from 'node:assert/strict';
import { test } from 'node:test';
import { zshScript } from '#src/cli/commands/shells/zsh.ts';

test('the script for zsh has a case for each command, with what needs quoting quoted', () => {
  const options = [
    { name: '--output', short: '-o', value: 'FORMAT', about: "what [it]: isn't", choices: ['text', 'json'] },
    { name: '--state', short: '', value: 'DIR', about: 'a folder', choices: [] },
    { name: '--config', short: '', value: 'FILE', about: 'a file', choices: [] },
    { name: '--rps', short: '', value: 'N', about: 'a number', choices: [] },
    { name: '--once', short: '', value: '', about: 'flag', choices: [] },
  ];
  const script = zshScript([{ name: 'door', about: "it's: one", usage: '', actions: ['open', 'close'], options }]);
  for (const line of [
    "    'door:it'\\''s\\: one'",
    "        '*'{-o,--output}'[what \\[it\\]\\: isn'\\''t]:FORMAT:(text json)' \\",
    "        '*--state[a folder]:DIR:_files -/' \\",
    "        '*--config[a file]:FILE:_files' \\",
    "        '*--rps[a number]:N:' \\",
    "        '*--once[flag]' \\",
    "        '1:action:(open close)' \\",
    "        '*:file:_files'",
  ]) {
    assert.ok(script.split('\n').includes(line), `${line}\nis not in\n${script}`);
  }
  assert.match(script, /^#compdef sluice\n/);
});
