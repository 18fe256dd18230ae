import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Board } from '#src/admin/page/view/board.ts';
import { clausesOf, headlineOf } from '#src/admin/page/view/headline.js';
import type { RolloutStatus } from '#src/model/status.ts';
import { gatewayPart, sampleBoard, sampleReading } from '../../../../support/readings/board.ts';
import { sampleRoute, sampleSlo, sampleStatus } from '../../../../support/readings/status.ts';

const QUIET = sampleSlo({ alerts: [], remainingRatio: 0.8 });

/** A board whose one route has this rollout, and no alert. */
function withRollout(changes: Partial<RolloutStatus> | null, slos = [QUIET]): Board {
  const base = sampleRoute().rollout as RolloutStatus;
  const route = sampleRoute({ rollout: changes === null ? null : { ...base, ...changes } });
  return sampleBoard({ routes: [{ ...sampleReading({ route, slos, remainingRatio: 0.8 }), heat: [], now: [] }] });
}

suite('headline', () => {
  test('a rollback in force comes before everything that is not an outage, in its own words', () => {
    const { tone, label, sentence } = headlineOf(withRollout({}));
    assert.deepEqual([tone, label], ['bad', 'Rolled back']);
    assert.equal(sentence, 'checkout: v2 rolled back: 12 bad of 200 against 0 of 800');
    const notReady = sampleBoard({ gateway: gatewayPart(sampleStatus({ ready: false, notReadyBecause: 'draining' })) });
    assert.equal(headlineOf(notReady).sentence, 'The gateway takes no traffic: draining');
  });

  test('an alert that pages tells both burn rates, the limit and what is left', () => {
    const { tone, sentence } = headlineOf(withRollout(null, [sampleSlo()]));
    assert.equal(tone, 'bad');
    assert.equal(
      sentence,
      'checkout: availability burns 2× over 6h and 20× over 30m (limit 6×); 50 % of its error budget is left',
    );
  });

  test('a refused configuration says which one stays', () => {
    const status = sampleStatus();
    const config = { ...status.config, last: { at: '', result: 'refused' as const, problems: [] } };
    const board = { ...withRollout(null), gateway: gatewayPart({ ...status, config }) };
    assert.match(headlineOf(board).sentence, /was refused: 0 problems; revision 12 stays in force/);
  });

  test('rollouts that wait or move are named, in this order', () => {
    assert.deepEqual(
      [headlineOf(withRollout({ state: 'paused' })).tone, headlineOf(withRollout({ state: 'baking' })).tone],
      ['warn', 'calm'],
    );
  });

  test('all is well: how many routes, and the least budget', () => {
    const { tone, sentence } = headlineOf(withRollout(null));
    assert.deepEqual([tone, sentence], ['good', '1 route is served; the least error budget left is 80 %, of checkout']);
  });

  test('a sentence is cut after what it says first, and nothing of it is lost', () => {
    assert.deepEqual(clausesOf('v2 rolled back: 8 of 140; evidence 8 nats; phase'), [
      'v2 rolled back: 8 of 140',
      '; evidence 8 nats; phase',
    ]);
    assert.deepEqual(clausesOf('all is well'), ['all is well', '']);
  });
});
