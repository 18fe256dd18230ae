import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSloFile } from '#src/cli/slo/read.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import { CONFIG, OPENSLO } from '../../../support/readings/slo-file.ts';

const read = (text: string) => {
  const config = { ...createConfigTools({}), readText: () => Promise.resolve(text) };
  return readSloFile('slo.yaml', { config, slo: sloTools });
};

test('a configuration is read as one', async () => {
  const { format, objectives, problems } = await read(CONFIG);
  assert.deepEqual([format, objectives.length, problems], ['sluice', 5, []]);
  const wrong = await read(CONFIG.replace('0.999', '99.9'));
  assert.deepEqual([wrong.objectives, wrong.problems.map(({ code, line }) => [code, line])], [[], [['SLU1012', 4]]]);
});

test('OpenSLO is read as that', async () => {
  const { format, objectives } = await read(OPENSLO);
  assert.equal(format, 'openslo');
  assert.deepEqual(objectives, [
    {
      scope: 'route',
      name: 'checkout',
      indicator: 'availability',
      targetRatio: 0.999,
      thresholdMs: null,
      calendar: null,
    },
  ]);
});

test('one objective of the gateway stands once', async () => {
  const [slo = ''] = OPENSLO.split('---\n');
  const twice = `${OPENSLO}---\n${slo.replace('name: checkout}', 'name: another}')}`;
  assert.deepEqual(
    (await read(twice)).problems.map(({ code }) => code),
    ['SLU1219'],
  );
});

test('what is no YAML is told with its place', async () => {
  const { problems } = await read('a: [1\nb: 2\n');
  assert.deepEqual(
    problems.map(({ code, line }) => [code, line > 0]),
    [['SLU1001', true]],
  );
});
