import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import { COMMANDS } from '#src/cli/commands/table.ts';
import type { CliDeps } from '#src/cli/deps.ts';
import { type Problem, SluiceError } from '#src/model/problem.ts';
import { fakeGateway, recordedDeps } from '../../support/cli.ts';

async function cli(argv: readonly string[], changes: Partial<CliDeps> = {}) {
  const recorded = recordedDeps(changes);
  const code = await runCli(argv, recorded.deps);
  return { code, out: recorded.out(), err: recorded.err() };
}

const failing = (error: Error): Partial<CliDeps> => ({ startGateway: () => Promise.reject(error) });

/** An output whose every write fails, as streams tell it: later. */
function failingOutput(code: string): CliDeps['stdout'] {
  const events = new EventEmitter();
  return {
    write: () => process.nextTick(() => events.emit('error', Object.assign(new Error(code), { code }))),
    on: (event, listener) => events.on(event, listener),
  };
}

suite('cli', () => {
  test('without a command, and with any spelling of help, it lists the commands', async () => {
    for (const argv of [[], ['help'], ['--help'], ['-h'], ['help', 'help']]) {
      const { code, out, err } = await cli(argv);
      assert.deepEqual([code, err], [0, ''], argv.join(' '));
      for (const { name, about } of COMMANDS) assert.ok(out.includes(`  ${name.padEnd(11)}${about}\n`), name);
    }
  });

  test('every command answers --help, -h and help COMMAND with its usage and does nothing else', async () => {
    for (const { name, load } of COMMANDS) {
      const { usage } = await load();
      assert.ok(usage.startsWith(`sluice ${name}`) && usage.endsWith('\n'), name);
      for (const argv of [
        [name, '--help'],
        [name, '-h'],
        ['help', name],
      ]) {
        const { code, out, err } = await cli(argv, failing(new Error('must not start')));
        assert.deepEqual([code, out, err], [0, usage, ''], argv.join(' '));
      }
    }
  });

  test('the first lines of a usage have every option that it explains', async () => {
    for (const { name, load } of COMMANDS) {
      const { usage } = await load();
      const [lines = '', ...rest] = usage.split('\n\n');
      const options = [...rest.join('\n\n').matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option]) => option ?? '');
      for (const option of options.filter((one) => one !== '--help' && one !== '--output')) {
        assert.ok(lines.includes(option), `${name} ${option}`);
      }
    }
  });

  test('an unknown command exits with 2 and says what was meant', async () => {
    const { code, out, err } = await cli(['rnu']);
    assert.deepEqual([code, out], [2, '']);
    assert.equal(err, 'sluice: unknown command rnu (did you mean run?)\ntry: sluice --help\n');
    assert.equal((await cli(['frobnicate'])).err.split('\n')[0], 'sluice: unknown command frobnicate');
    assert.equal((await cli(['help', 'frobnicate'])).code, 2);
  });

  test('an unknown option exits with 2 and names the help of its command', async () => {
    const { code, err } = await cli(['run', '--confg', 'x']);
    assert.equal(code, 2);
    assert.equal(err, 'sluice: unknown option --confg (did you mean --config?)\ntry: sluice run --help\n');
  });

  test('a configuration with problems prints all of them and exits with 1', async () => {
    const problem = (line: number): Problem => ({
      code: 'SLU1012',
      file: 'gateway.yaml',
      line,
      column: 5,
      path: 'routes[0].slo.availability',
      expected: 'a ratio below 1',
      got: '99.9',
      hint: 'did you mean 0.999?',
    });
    const error = new SluiceError('SLU_CONFIG_INVALID', 'gateway.yaml has 2 problems', {
      problems: [problem(3), problem(9)],
    });
    const { code, err } = await cli(['run'], failing(error));
    assert.equal(code, 1);
    assert.deepEqual(err.split('\n'), [
      'gateway.yaml:3:5: SLU1012 routes[0].slo.availability: expected a ratio below 1, got 99.9 (did you mean 0.999?)',
      'gateway.yaml:9:5: SLU1012 routes[0].slo.availability: expected a ratio below 1, got 99.9 (did you mean 0.999?)',
      'sluice: gateway.yaml has 2 problems',
      '',
    ]);
  });

  test('a port in use is one clear line without a stack, exit 1', async () => {
    const error = new SluiceError('SLU_PORT_IN_USE', '127.0.0.1:8080 is in use: choose another');
    const { code, err } = await cli(['run'], failing(error));
    assert.deepEqual([code, err], [1, 'sluice: 127.0.0.1:8080 is in use: choose another\n']);
  });

  test('an unexpected failure shows its stack and exits with 1', async () => {
    const { code, err } = await cli(['run'], failing(new TypeError('boom')));
    assert.equal(code, 1);
    assert.match(err, /unexpected failure, please report it\nTypeError: boom\n {4}at /);
  });

  test('the exit code is the command’s own', async () => {
    const fake = fakeGateway();
    fake.close(0);
    assert.equal((await cli(['run'], { startGateway: (options) => fake.start(options) })).code, 0);
  });

  test('a reader that went away changes nothing', async () => {
    const { code, err } = await cli(['version'], { stdout: failingOutput('EPIPE') });
    assert.deepEqual([code, err], [0, '']);
  });

  test('a result that cannot be written is said and exits with 1', async () => {
    for (const argv of [['version'], ['help'], ['config', 'schema']]) {
      const { code, err } = await cli(argv, { stdout: failingOutput('ENOSPC') });
      assert.deepEqual([code, err], [1, 'sluice: cannot write to standard output: ENOSPC\n'], argv.join(' '));
    }
    assert.equal((await cli(['rnu'], { stdout: failingOutput('ENOSPC') })).code, 2);
  });

  test('a gateway whose greeting cannot be written serves on and exits with its own code', async () => {
    const fake = fakeGateway();
    fake.close(0);
    const changes = { startGateway: fake.start, stdout: failingOutput('ENOSPC') };
    const { code, err } = await cli(['run'], changes);
    assert.deepEqual([code, err], [0, 'sluice: cannot write to standard output: ENOSPC\n']);
  });
});
