/** `sluice diff` against a real admin server. */

import assert from 'node:assert/strict';
import { suite, type TestContext, test } from 'node:test';
import { startAdmin } from '#src/admin/server.ts';
import { runCli } from '#src/cli/cli.ts';
import { mirrorLines } from '#src/cli/live/diff.ts';
import { type MirrorStatus, noneUncompared } from '#src/model/threads/requests/compared.ts';
import { recordedDeps } from '../../../support/cli.ts';
import { sampleMirror, sampleStatus } from '../../../support/readings/status.ts';
import { sampleView } from '../../../support/readings/view.ts';
import { assertShown, shownOf } from '../../../support/runner/shown.ts';

const SHOP = sampleMirror();
const QUIET: MirrorStatus = {
  ...SHOP,
  ...{ route: 'cart', compared: 12, skipped: 0, failed: 0, uncompared: noneUncompared(), differences: [], real: 0 },
  sentence: '12 answers of shop/v2 differ no more than those of one version',
};

async function cli(context: TestContext, argv: readonly string[], mirrors: readonly MirrorStatus[]) {
  const view = { ...sampleView(), status: () => sampleStatus({ mirrors }) };
  const admin = await startAdmin({ address: { host: '127.0.0.1', port: 0 }, view });
  context.after(() => admin.close());
  const { deps, out, err } = recordedDeps({ env: { SLUICE_ADMIN: admin.url } });
  const code = await runCli(['diff', ...argv], deps);
  return { code, out: out(), err: err() };
}

const HEAD = `shop  shop/v2  since 2026-11-01T08:00:00.000Z  412 compared, 3 skipped, 1 failed
4 of 416 uncompared: 1 memory, 2 mirror_too_long, 1 mirror_no_answer
37 of 412 answers of shop/v2 differ where the version differs from itself in 0: $.price number -> string
`;

suite('sluice diff', { timeout: 120_000 }, () => {
  test('shows real differences, and exits with 1 when there are some', async (context) => {
    assert.deepEqual(await cli(context, [], [SHOP, QUIET]), {
      code: 1,
      out: `${HEAD}KIND  WHERE    STABLE  MIRROR  DIFFERS    BY ITSELF
type  $.price  number  string  37 of 412  0 of 412

cart  shop/v2  since 2026-11-01T08:00:00.000Z  12 compared, 0 skipped, 0 failed
12 answers of shop/v2 differ no more than those of one version
`,
      err: '',
    });
    assert.equal((await cli(context, ['cart'], [SHOP, QUIET])).code, 0);
    assert.deepEqual(await cli(context, [], []), { code: 0, out: 'no mirror compares\n', err: '' });
  });

  test('shows what the page about it shows', async (context) => {
    const { out } = await cli(context, ['shop'], [SHOP]);
    assertShown(shownOf('docs/routing.md', 'sluice diff shop'), out, (line) => line.trimEnd());
  });

  test('shows the others as well with --all, in brackets', async (context) => {
    const { out } = await cli(context, ['shop', '--all'], [SHOP, QUIET]);
    assert.equal(
      out,
      `${HEAD}KIND     WHERE    STABLE  MIRROR  DIFFERS     BY ITSELF
type     $.price  number  string  37 of 412   0 of 412
(value)  $.id                     412 of 412  411 of 412
`,
    );
  });

  test('says how many are not listed', async (context) => {
    const { out } = await cli(context, [], [{ ...SHOP, real: 60 }]);
    assert.match(out, /\n59 more are not listed\n$/);
  });

  test('tells the same as JSON', async (context) => {
    const json = async (...argv: string[]) =>
      JSON.parse((await cli(context, [...argv, '-o', 'json'], [SHOP])).out) as unknown;
    assert.deepEqual(await json('--all'), { mirrors: [SHOP] });
    assert.deepEqual(await json(), { mirrors: [{ ...SHOP, differences: SHOP.differences.slice(0, 1) }] });
  });

  test('takes a route whose mirror compares, and a server that answers', async (context) => {
    assert.deepEqual(await cli(context, ['shp'], [SHOP]), {
      code: 1,
      out: '',
      err: 'sluice: route shp has no mirror that compares (did you mean shop?)\n',
    });
    const { deps } = recordedDeps();
    assert.equal(await runCli(['diff', 'a', 'b'], deps), 2);
    assert.equal(await runCli(['diff', '--admin', 'http://127.0.0.1:1'], deps), 3);
  });

  test('has a loud line for those that differ alone', () => {
    assert.deepEqual(mirrorLines([SHOP, QUIET]), [`DIFFERS  mirror of shop: ${SHOP.sentence}`]);
  });
});
