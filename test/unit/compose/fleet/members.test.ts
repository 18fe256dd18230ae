import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Members } from '#src/compose/fleet/members.ts';

const hello = (id: string) => ({ id, member: `name of ${id}`, adminUrl: `http://${id}` });

test('lists who was heard of lately, by name', () => {
  const members = new Members();
  members.heard(hello('b'), 0);
  members.heard(hello('a'), 4000);
  assert.deepEqual(
    members.list(5000).map(({ id, heardMs }) => [id, heardMs]),
    [
      ['a', 1000],
      ['b', 5000],
    ],
  );
  assert.deepEqual([members.nameOf('a'), members.nameOf('c')], ['name of a', null]);
  assert.deepEqual([members.find('b')?.adminUrl, members.find('c')], ['http://b', null]);
  assert.deepEqual(
    members.list(12_000).map(({ id }) => id),
    ['a'],
    'b has been silent for too long',
  );
});

test('has room for so many, and for others when some have gone', () => {
  const members = new Members();
  for (let n = 0; n < 64; n++) assert.equal(members.heard(hello(`m${n}`), 0), true);
  assert.equal(members.heard(hello('m0'), 100), true);
  assert.equal(members.heard(hello('more'), 100), false);
  assert.equal(members.heard(hello('more'), 20_000), true);
});
