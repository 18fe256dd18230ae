import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { runCli } from '#src/cli/cli.ts';
import type { ReloadAnswer } from '#src/model/threads/revision.ts';
import { adminFor, depsOf } from '../../../../support/readings/admin.ts';

type Done = Extract<ReloadAnswer, { kind: 'done' }>;

const DONE: Done = {
  kind: 'done',
  outcome: 'accepted',
  number: 7,
  hash: 'ab'.repeat(32),
  problems: [],
  unanswered: [],
};
const PROBLEM = { code: 'SLU1012', file: 'a', line: 3, column: 5, path: 'x', expected: 'y', got: 'z', hint: '' };

async function reload(
  context: Parameters<typeof adminFor>[0],
  answer: ReloadAnswer,
  argv: string[] = [],
  token?: string,
) {
  const steer = { reload: async () => answer, drain: () => assert.fail('not asked for') };
  const { deps, out, err } = depsOf(await adminFor(context, { steer }), token);
  return { code: await runCli(['reload', ...argv], deps), out: out(), err: err() };
}

suite('sluice reload', { timeout: 120_000 }, () => {
  test('says the outcome and the revision in force, as text and as JSON', async (context) => {
    const accepted = await reload(context, DONE);
    assert.deepEqual([accepted.code, accepted.out], [0, 'accepted: revision 7 #abababab\n']);
    const same = await reload(context, { ...DONE, outcome: 'unchanged' }, ['-o', 'json']);
    const { kind: _, ...told } = { ...DONE, outcome: 'unchanged' };
    assert.deepEqual([same.code, JSON.parse(same.out)], [0, told]);
  });

  test('a refusal comes with every problem; a source that is silent is named; both exit with 1', async (context) => {
    const refused = await reload(context, { ...DONE, outcome: 'refused', problems: [PROBLEM] });
    assert.deepEqual([refused.code, refused.err], [1, 'a:3:5: SLU1012 x: expected y, got z\n']);
    assert.equal(refused.out, 'refused, 1 problems: the one before stays, revision 7 #abababab\n');
    const silent = await reload(context, { ...DONE, unanswered: [{ source: 'consul x', because: 'timeout' }] });
    assert.deepEqual([silent.code, silent.err], [1, 'sluice: consul x did not answer: timeout\n']);
  });

  test('needs the token and a gateway', async (context) => {
    const stranger = await reload(context, DONE, [], '');
    assert.equal(stranger.code, 1);
    assert.match(stranger.err, /set SLUICE_ADMIN_TOKEN\n$/);
    const busy = await reload(context, { kind: 'refused', detail: 'a restart is under way' });
    assert.deepEqual([busy.code, busy.err], [1, 'sluice: a restart is under way\n']);
    assert.equal(await runCli(['reload'], depsOf('http://127.0.0.1:1').deps), 3);
  });
});
