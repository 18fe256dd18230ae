import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CONFIG_USAGE, type ConfigTools, configCommand } from '#src/cli/config/command.ts';
import { type ParseResult, SluiceError } from '#src/model/problem.ts';
import { formatYaml } from '#src/sources/document/yaml.ts';
import { parseConfig, sourcesOf } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';

const FILES: Readonly<Record<string, string>> = {
  'ragged.yaml': 'a:   { b: 1 }    # why\nlist:\n        - 2\n',
  'formatted.yaml': 'a: {b: 1} # why\nlist:\n  - 2\n',
  'broken.yaml': 'a: [1\n',
  'aliased.yaml': 'a: *b\n',
  'good.yaml': SOUND,
  'warned.yaml': SOUND.replace('"127.0.0.1:7002"', ''),
  'sourced.yaml': 'sources: [{directory: {path: conf.d}}]',
  'missourced.yaml': 'sources: [{directory: {}}]',
  'bad.yaml': SOUND.replace('95', '-1').replace('version: v2', 'version: v3'),
};

const TOOLS: ConfigTools = {
  async readText(file) {
    const text = FILES[file];
    if (text === undefined) throw new SluiceError('SLU_CONFIG_UNREADABLE', `cannot read ${file}: no such file`);
    return text;
  },
  parse: (text, file): ParseResult => parseConfig(text, file, {}),
  sources: (text, file) => sourcesOf(text, file, {}),
  hash: () => '0123456789abcdef',
  format: formatYaml,
  schema: () => ({ title: 'a schema' }),
  forecast: () => ({ kind: 'done', forecasts: [] }),
  simulate: async () => ({ kind: 'unknown', detail: '' }),
  explainSetting: () => ({ kind: 'refused', detail: '' }),
  explainRoute: () => ({ kind: 'refused', detail: '' }),
  signing: {
    hasKeys: async (keyFile) => keyFile !== null,
    sign: () => Promise.reject(new Error('nothing is signed here')),
    verify: async ({ file }) => ({ subject: file, signatureFile: `${file}.sig`, ...verified(file) }),
  },
};

function verified(file: string) {
  if (file === 'good.yaml') return { signature: { keyId: 'k1', revision: 7 }, problems: [] };
  const place = { file, line: 0, column: 0, path: '' };
  return { signature: null, problems: [{ code: 'SLU1140', ...place, expected: 'a signature', got: 'none', hint: '' }] };
}

async function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  const io = {
    stdout: (text: string) => {
      stdout += text;
    },
    stderr: (text: string) => {
      stderr += text;
    },
  };
  const code = await configCommand(args, io, TOOLS);
  return { code, stdout, stderr };
}

describe('sluice config fmt', () => {
  test('prints the one form, and says whether a file has it', async () => {
    const { code, stdout } = await run('fmt', 'ragged.yaml');
    assert.deepEqual([code, stdout], [0, 'a: {b: 1} # why\nlist:\n  - 2\n']);
    const ragged = await run('fmt', 'ragged.yaml', '--check');
    const stderr = 'sluice: ragged.yaml has another form: sluice config fmt ragged.yaml\n';
    assert.deepEqual(ragged, { code: 1, stdout: '', stderr });
    assert.deepEqual(await run('fmt', 'formatted.yaml', '--check'), { code: 0, stdout: '', stderr: '' });
  });

  test('refuses what is no YAML, and takes a file', async () => {
    for (const file of ['broken.yaml', 'aliased.yaml']) {
      const { code, stdout, stderr } = await run('fmt', file);
      assert.deepEqual([code, stdout], [1, '']);
      assert.ok(stderr.startsWith(`sluice: ${file} cannot be formatted: `), stderr);
    }
    assert.equal((await run('fmt')).code, 2);
    assert.equal((await run('fmt', 'gone.yaml')).code, 1);
  });
});

describe('sluice config validate', () => {
  test('says of a file with sources where the rest is, and asks nobody', async () => {
    const stdout = 'sourced.yaml: ok by itself; the rest is in directory conf.d, which was not asked\n';
    assert.deepEqual(await run('validate', 'sourced.yaml'), { code: 0, stdout, stderr: '' });
    const json = JSON.parse((await run('validate', 'sourced.yaml', '-o', 'json')).stdout) as Record<string, unknown>;
    assert.deepEqual([json['ok'], json['sources']], [true, ['directory conf.d']]);
    const refused = await run('validate', 'missourced.yaml');
    assert.equal(refused.code, 1);
    assert.match(
      refused.stdout,
      /^missourced\.yaml:1:23: SLU1021 sources\[0\]\.directory\.path.*\n.*refused, 1 problem\n$/,
    );
  });

  test('says that a file is fine, and what is in it', async () => {
    assert.deepEqual(await run('validate', 'good.yaml'), {
      code: 0,
      stdout: 'good.yaml: ok, 1 route, 1 service, hash 0123456789ab\n',
      stderr: '',
    });
  });

  test('wants a signature where there are keys', async () => {
    assert.equal((await run('validate', 'good.yaml', '--config-key-file', 'keys')).code, 0);
    const { code, stdout } = await run('validate', 'warned.yaml', '--config-key-file', 'keys');
    const told = 'warned.yaml:0:0: SLU1140 expected a signature, got none\nwarned.yaml: refused, 1 problem\n';
    assert.deepEqual([code, stdout], [1, told]);
    const json = await run('validate', 'warned.yaml', '--config-key-file', 'keys', '-o', 'json');
    assert.deepEqual([json.code, (JSON.parse(json.stdout) as { ok: boolean }).ok], [1, false]);
  });

  test('says warnings and still succeeds', async () => {
    const { code, stdout } = await run('validate', 'warned.yaml');
    assert.equal(code, 0);
    assert.match(
      stdout,
      /^warning: warned\.yaml:5:23: SLU1901 .*\nwarned\.yaml: ok, 1 route, 1 service, 1 warning, hash/,
    );
  });

  test('says every problem on a line of its own, then the sum', async () => {
    const { code, stdout, stderr } = await run('validate', 'bad.yaml');
    assert.equal(code, 1);
    assert.equal(stderr, '');
    assert.match(stdout, /^bad\.yaml:9:43: SLU1041 [^\n]*\nbad\.yaml: refused, 1 problem\n$/);
  });

  test('says the same in JSON', async () => {
    const good = await run('validate', 'good.yaml', '-o', 'json');
    assert.deepEqual(JSON.parse(good.stdout), {
      file: 'good.yaml',
      ok: true,
      routes: 1,
      services: 1,
      hash: '0123456789abcdef',
      warnings: [],
      problems: [],
    });
    const bad = await run('validate', '--output', 'json', 'bad.yaml');
    assert.equal(bad.code, 1);
    const { ok, problems } = JSON.parse(bad.stdout) as { ok: boolean; problems: { code: string; line: number }[] };
    assert.deepEqual([ok, problems[0]?.code, problems[0]?.line], [false, 'SLU1041', 9]);
  });

  test('fails on a file that cannot be read', async () => {
    const { code, stderr } = await run('validate', 'none.yaml');
    assert.deepEqual([code, stderr], [1, 'sluice: cannot read none.yaml: no such file\n']);
  });
});

describe('sluice config schema', () => {
  test('prints the schema', async () => {
    assert.deepEqual(await run('schema'), { code: 0, stdout: '{\n  "title": "a schema"\n}\n', stderr: '' });
  });
});

describe('wrong usage', () => {
  test('ends with 2, says what is wrong and where help is', async () => {
    for (const [args, words] of [
      [[], /say what to do: validate, fmt, schema, import, sign, verify, explain, history, diff, rollback, unpin/],
      [['valdate', 'good.yaml'], /unknown command config valdate \(did you mean validate\?\)/],
      [['x'], /unknown command config x\n/],
      [['validate'], /validate takes a file/],
      [['validate', 'a', 'b'], /too many arguments/],
      [['validate', 'a', '--outptu', 'json'], /unknown option --outptu \(did you mean --output\?\)/],
      [['validate', 'a', '-o', 'xml'], /one of text, json, got xml/],
      [['schema', 'a'], /too many arguments|Unexpected argument/i],
    ] as const) {
      const { code, stdout, stderr } = await run(...args);
      assert.deepEqual([code, stdout], [2, ''], args.join(' '));
      assert.match(stderr, words);
      assert.match(stderr, /\ntry: sluice config --help\n$/);
    }
  });

  test('is explained by --help', async () => {
    for (const args of [['--help'], ['-h'], ['validate', '--help']]) {
      assert.deepEqual(await run(...args), { code: 0, stdout: CONFIG_USAGE, stderr: '' });
    }
  });

  test('what nobody expected is not hidden', async () => {
    const broken = { ...TOOLS, parse: () => assert.fail('broken') };
    await assert.rejects(configCommand(['validate', 'good.yaml'], { stdout() {}, stderr() {} }, broken), /broken/);
  });
});
