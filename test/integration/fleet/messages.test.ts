/** What comes from a real Redis, and what may be written there by whoever can write. */

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { until } from '../../support/gateway.ts';
import { type Members, startMembers } from '../../support/stores/fleet/member.ts';
import { cannotRun, REDIS } from '../../support/stores/server.ts';

describe('a gateway of a fleet', { skip: cannotRun(REDIS) }, () => {
  let members: Members;
  before(async () => {
    members = await startMembers();
  });
  after(() => members.end());

  it('refuses what is no word and no evidence, says so once, and goes on', async () => {
    const member = await members.join('one');
    await member.leads();
    member.rollouts.command({ name: 'start', route: 'shop', by: 'api', reason: '', isFix: false });
    const saved = member.rollouts.saved('shop');
    const generation = saved?.generation ?? '';
    const say = (news: unknown, numbers = '7 0 1 1 0'): Promise<number> =>
      members.client.publish('sluice:edge:words', `shop ${generation.slice(0, 16)} ${numbers} ${JSON.stringify(news)}`);
    const wrong: (() => Promise<number>)[] = [
      () => members.client.publish('sluice:edge:words', 'nonsense'),
      () => members.client.publish('sluice:edge:evidence', '{"id":5}'),
      // A decision is missing where it is looked for.
      () =>
        say({ saved: { format: 1, route: 'shop', generation, rollout: { state: { kind: 'idle' } } }, limits: null }),
      () => say({ saved: { ...saved, decision: {} }, limits: null }),
      () => say({ saved: { ...saved, rollout: {} }, limits: null }),
      // A word on one rollout that holds another one's, and one that says it is rolled back and holds none.
      () => say({ saved: { ...saved, route: 'other' }, limits: null }, '8 0 1 1 0'),
      () => say({ saved: { ...saved, generation: 'other' }, limits: null }, '8 0 2 1 0'),
      () => say({ saved, limits: null }, '9 1 1 1 0'),
    ];
    for (const [n, publish] of wrong.entries()) {
      await publish();
      await until(`${n + 1} are refused`, () => (member.rollouts.fleet.status()?.messages.refused ?? 0) >= n + 1);
    }
    assert.equal(member.told('fleet_message_refused').length, 1);
    assert.equal(member.state(), 'progressing');
    const done = (): number => member.rollouts.fleet.status()?.exchanges.done ?? 0;
    const before = done();
    await member.until('still exchanges', () => done() > before);
  });
});
