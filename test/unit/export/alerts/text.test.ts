import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutTo, textOf, titleOf } from '#src/export/alerts/text.ts';
import { sampleAlert, sampleMessage, WALL_MS } from '../../../support/readings/alerts.ts';

const PAGE = { gateway: 'gw', pageUrl: 'http://gw:9900' };

test('a title has the counts', () => {
  const resolved = sampleAlert({ state: 'resolved', endedAtMs: WALL_MS + 90_000 });
  assert.equal(
    titleOf(sampleMessage({ alerts: [sampleAlert(), resolved], more: 4 })),
    'TICKET burn: 1 firing, 1 resolved, 4 more',
  );
  assert.equal(
    titleOf(sampleMessage({ alerts: [sampleAlert({ severity: 'info', kind: 'rollout' })] })),
    'INFO rollout: 1',
  );
  assert.equal(titleOf(sampleMessage({ alerts: [], note: { title: 'test', lines: [] } })), 'test');
});

test('every alert has its sentence and its time, and the last line says where to look', () => {
  const resolved = (lengthMs: number) => sampleAlert({ state: 'resolved', endedAtMs: WALL_MS + lengthMs });
  const alerts = [
    sampleAlert(),
    resolved(20_000),
    resolved(600_000),
    resolved(7_500_000),
    sampleAlert({ severity: 'info' }),
  ];
  assert.deepEqual(textOf(sampleMessage({ alerts, more: 1 }), PAGE), {
    title: 'Sluice TICKET burn: 2 firing, 3 resolved, 1 more',
    lines: [
      'FIRING since 2023-11-14T22:13:20.000Z: route shop burns 14 times too fast',
      'RESOLVED after 20 s: route shop burns 14 times too fast',
      'RESOLVED after 10 min: route shop burns 14 times too fast',
      'RESOLVED after 2 h: route shop burns 14 times too fast',
      '2023-11-14T22:13:20.000Z route shop burns 14 times too fast',
      'and 1 more',
      'gw: http://gw:9900',
    ],
  });
  const note = textOf(sampleMessage({ alerts: [], note: { title: 'test', lines: ['a line'] } }), PAGE);
  assert.deepEqual(note, { title: 'Sluice test', lines: ['a line', 'gw: http://gw:9900'] });
});

test('text is cut between characters, never longer than it may be', () => {
  assert.equal(cutTo('abc', 3), 'abc');
  assert.equal(cutTo('abcdef', 5), 'ab…');
  for (let max = 3; max < 20; max++) {
    const cut = cutTo('灰度发布🚀回滚', max);
    assert.ok(Buffer.byteLength(cut) <= max && !cut.includes('\uFFFD'), `${max}: ${cut}`);
  }
});
