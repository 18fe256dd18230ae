import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Asked, RevisionCommands, type Sound, soundOf } from '#src/compose/config/revisions/commands.ts';
import type { Pin } from '#src/model/threads/revision.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { History } from '#src/snapshot/revisions/history.ts';
import { type OfferResult, Store } from '#src/snapshot/store.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

const PIN: Pin = { from: 'a', to: 1, hash: 'b', at: '', by: 'api', reason: '' };
const weighing = (weight: number): Sound => soundOf(configOf(SOUND.replace('weight: 5}', `weight: ${weight}}`)));

/** Two configurations, of which the second is in force. @param refuse why nothing is put in force */
function rig({ refuse = '', sourced = null as Sound | null, pin = null as Pin | null } = {}) {
  const store = new Store({ file: 'f', dials: createDials(), wallTime: () => 'now', mayRecycle: () => false });
  const history = new History('1');
  const steps: string[] = [];
  const put = ({ sound, origin, contentOf }: Asked): OfferResult => {
    const result = store.offer(sound);
    const head = { revision: 1, hash: sound.hash, at: '', origin: [origin] };
    if (result.kind === 'swapped') history.add({ ...head, config: sound.config, contentOf });
    return result;
  };
  for (const weight of [1, 2]) put({ sound: weighing(weight), origin: 'start', contentOf: null });
  const commands = new RevisionCommands({
    history,
    current: () => store.current,
    pin: () => pin,
    sourced: () => sourced,
    asOwn: (config) => config,
    put: async (asked, then) => {
      if (refuse !== '') return refuse;
      const result = put(asked);
      then(result);
      steps.push(`put ${asked.origin}`);
      return result;
    },
    hold: (by) => void steps.push(`hold by ${by}`),
    unpin: (by) => void steps.push(`unpin by ${by}`),
    apply: async () => void steps.push('apply'),
  });
  return { commands, steps, history, weight: () => store.current?.config.routes[0]?.backendRefs[1]?.weight };
}

const rollback = (to: string) => ({ name: 'rollback', to, by: 'api', reason: 'why' }) as const;
const unpin = { name: 'unpin', by: 'api', reason: 'mended' } as const;

test('a rollback is held before anybody obeys it', async () => {
  const { commands, steps, weight } = rig();
  const result = await commands.obey(rollback(''));
  assert.equal(result.kind === 'done' && result.number, 3);
  assert.deepEqual([weight(), steps], [1, ['hold by api', 'put rollback by api', 'apply']]);
  assert.deepEqual(await commands.obey(rollback('1')), { kind: 'refused', detail: 'revision 1 is what is in force' });
  assert.equal((await commands.obey(rollback('9'))).kind, 'unknown');
});

test('what cannot be put in force is refused in the words of who refused it', async () => {
  const { commands, steps } = rig({ refuse: 'a restart is under way', sourced: weighing(3), pin: PIN });
  assert.deepEqual(await commands.obey(rollback('')), { kind: 'refused', detail: 'a restart is under way' });
  assert.deepEqual(await commands.obey(unpin), { kind: 'refused', detail: 'a restart is under way' });
  assert.equal(await commands.revert(weighing(1).config, ''), 'a restart is under way');
  assert.deepEqual(steps, []);
});

test('a revert holds what it went back to, unless that is in force', async () => {
  const { commands, steps, weight } = rig();
  assert.equal(await commands.revert(weighing(2).config, 'why'), 'what was in force before is the same');
  assert.deepEqual(steps.splice(0), ['put rollback by sluice']);
  assert.equal(await commands.revert(weighing(1).config, 'why'), '');
  assert.deepEqual([weight(), steps], [1, ['hold by sluice', 'put rollback by sluice', 'apply']]);
});

test('a pin is lifted for what the sources hold, and stays where nobody knows that', async () => {
  assert.equal((await rig().commands.obey(unpin)).kind, 'refused');
  const unknown = await rig({ pin: PIN }).commands.obey(unpin);
  assert.ok(unknown.kind === 'refused' && /not all answered since the start/.test(unknown.detail));
  const { commands, steps, weight } = rig({ pin: PIN, sourced: weighing(3) });
  assert.equal((await commands.obey(unpin)).kind, 'done');
  assert.deepEqual([weight(), steps], [3, ['unpin by api', 'put unpinned by api', 'apply']]);
});
