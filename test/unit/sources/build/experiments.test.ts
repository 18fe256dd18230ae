import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf, SOUND } from '../../../support/config.ts';

const KEYED = `${SOUND}    sticky: {header: X-User-Id}\n`;

test('an experiment has everybody, a header of its id and equal groups unless it says otherwise', () => {
  const [route] = configOf(`${KEYED}    experiments: [{id: Checkout, groups: [{name: a}, {name: b}]}]\n`).routes;
  assert.deepEqual(route?.filters.experiments, [
    {
      id: 'Checkout',
      header: 'x-experiment-checkout',
      ratio: 1,
      groups: [
        { name: 'a', weight: 1 },
        { name: 'b', weight: 1 },
      ],
      key: null,
    },
  ]);
  assert.deepEqual(route?.sticky, { header: 'x-user-id', cookie: null, clientIp: false });
});

test('what it says counts, and a list of none is as if there were no list', () => {
  const groups = 'groups: [{name: a, weight: 3}, {name: b, weight: 0}]';
  const text = `experiments: [{id: e, header: X-Group, percent: 12.5, ${groups}, key: {cookie: uid}}]`;
  const [experiment] = configOf(`${SOUND}    ${text}\n`).routes[0]?.filters.experiments ?? [];
  const { header, ratio, groups: built, key } = experiment ?? {};
  assert.deepEqual([header, ratio, built?.map(({ weight }) => weight)], ['x-group', 0.125, [3, 0]]);
  assert.deepEqual(key, { header: null, cookie: 'uid', clientIp: false });
  assert.deepEqual(configOf(`${SOUND}    experiments: []\n`), configOf(SOUND));
});
