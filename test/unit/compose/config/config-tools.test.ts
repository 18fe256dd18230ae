import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createConfigTools } from '#src/compose/config/config-tools.ts';
import { SOUND } from '../../../support/config.ts';

test('documents are looked at with the variables that they are given', () => {
  const tools = createConfigTools({ PORT: '7009' });
  const text = SOUND.replace('7002', '$${PORT}');
  const result = tools.parse(text, 'f');
  assert.ok(result.ok);
  assert.equal(result.config.services[0]?.versions[1]?.endpoints[0]?.port, 7009);
  assert.equal(createConfigTools({}).parse(text, 'f').ok, false);
  assert.match(tools.hash(result.config), /^[0-9a-f]{64}$/);
  assert.equal(tools.sources(text, 'f'), null);
  assert.equal((tools.schema() as { title: string }).title, 'Sluice configuration');
});
