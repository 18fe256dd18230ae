import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { COMMANDS } from '#src/cli/commands/table.ts';
import { wordsOf } from '#src/cli/commands/words.ts';

const USAGE = `sluice door open|close NAME [--slowly]
sluice door [lock] [--key FILE]

Does things to --doors that are not options.

  open                 make it open
  -s, --slowly         takes its time,
                       and more
  --key FILE           to lock it with
  -o, --output FORMAT  text, json (a line each); default text
  --sort KEY           what comes first: size, age; default size
  --p50 MS, --p99 MS   two at once
  -h, --help           this text
`;

suite('the words of a command', () => {
  test('are the actions and options of its help', () => {
    const { actions, options } = wordsOf('door', USAGE);
    assert.deepEqual(actions, ['open', 'close', 'lock']);
    assert.deepEqual(
      options.map(({ name, short, value, choices }) => [name, short, value, choices.join(' ')]),
      [
        ['--slowly', '-s', '', ''],
        ['--key', '', 'FILE', ''],
        ['--output', '-o', 'FORMAT', 'text json'],
        ['--sort', '', 'KEY', 'size age'],
        ['--p50', '', 'MS', ''],
        ['--p99', '', 'MS', ''],
        ['--help', '-h', '', ''],
      ],
    );
    assert.equal(options[0]?.about, 'takes its time, and more');
  });

  test('of every command are all options that its help explains', async () => {
    for (const { name, load } of COMMANDS) {
      const { usage } = await load();
      const explained = [...usage.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = '']) => option);
      const known = wordsOf(name, usage).options.map((option) => option.name);
      for (const option of explained) assert.ok(known.includes(option), `${name} ${option}`);
    }
  });

  test('of some commands are these actions and choices', async () => {
    const wordsOfCommand = async (name: string) => {
      const command = await COMMANDS.find((known) => known.name === name)?.load();
      return wordsOf(name, command?.usage ?? '');
    };
    assert.deepEqual((await wordsOfCommand('slo')).actions, ['ls', 'get', 'validate', 'simulate', 'export', 'import']);
    assert.ok((await wordsOfCommand('rollout')).actions.includes('abort'));
    assert.deepEqual((await wordsOfCommand('status')).actions, []);
    const log = (await wordsOfCommand('run')).options.find(({ name }) => name === '--log-level');
    assert.ok(log?.choices.includes('debug') && log.choices.includes('silent'), String(log?.choices));
  });
});
