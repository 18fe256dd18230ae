import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { didYouMean, readArgs, readChoice, readPort } from '#src/cli/args.ts';

const OPTIONS = { once: { type: 'boolean' }, config: { type: 'string', short: 'c' } } as const;
const USAGE_ERROR = { code: 'SLU_USAGE' };

suite('args', () => {
  test('known options are read, long and short', () => {
    assert.deepEqual({ ...readArgs(['--once', '-c', 'a.yaml'], OPTIONS).values }, { once: true, config: 'a.yaml' });
    assert.deepEqual({ ...readArgs(['--config=b.yaml'], OPTIONS).values }, { config: 'b.yaml' });
    assert.deepEqual({ ...readArgs([], OPTIONS).values }, {});
  });

  test('an unknown option is a usage error that says what was meant', () => {
    assert.throws(() => readArgs(['--onec'], OPTIONS), {
      ...USAGE_ERROR,
      message: /unknown option --onec \(did you mean --once\?\)/,
    });
    assert.throws(() => readArgs(['--konfig=x'], OPTIONS), { ...USAGE_ERROR, message: /did you mean --config\?/ });
    assert.throws(() => readArgs(['--zzzzzzzz'], OPTIONS), { ...USAGE_ERROR, message: /^unknown option --zzzzzzzz$/ });
    assert.throws(() => readArgs(['-x'], OPTIONS), { ...USAGE_ERROR, message: /unknown option -x/ });
  });

  test('a missing, superfluous or positional value is a usage error in one sentence', () => {
    for (const argv of [['--config'], ['--once=yes'], ['extra'], ['--config', '--once']]) {
      assert.throws(
        () => readArgs(argv, OPTIONS),
        (error: Error) => {
          assert.equal((error as NodeJS.ErrnoException).code, 'SLU_USAGE', argv.join(' '));
          assert.ok(!error.message.includes('\n'));
          return true;
        },
      );
    }
  });

  test('positional arguments are taken up to the number allowed', () => {
    assert.deepEqual(readArgs(['file.yaml'], OPTIONS, 1).positionals, ['file.yaml']);
    assert.throws(() => readArgs(['a', 'b'], OPTIONS, 1), { ...USAGE_ERROR, message: /too many arguments: a b/ });
  });

  test('a port is a whole number from 1 to 65535', () => {
    assert.equal(readPort('--port', '8080', 1), 8080);
    assert.equal(readPort('--port', undefined, 1), 1);
    for (const text of ['0', '65536', '-1', '80.5', '8e3', '', ' 80', 'http', '0x50']) {
      assert.throws(() => readPort('--port', text, 1), { ...USAGE_ERROR, message: /--port takes a port/ }, text);
    }
  });

  test('a choice is one of the list, the first by default', () => {
    assert.equal(readChoice('--output', undefined, ['text', 'json']), 'text');
    assert.equal(readChoice('--output', 'json', ['text', 'json']), 'json');
    assert.throws(() => readChoice('--output', 'jsno', ['text', 'json']), {
      ...USAGE_ERROR,
      message: /did you mean json\?/,
    });
  });

  test('a suggestion is a clause, no suggestion is nothing', () => {
    assert.equal(didYouMean('run'), ' (did you mean run?)');
    assert.equal(didYouMean(null), '');
  });
});
