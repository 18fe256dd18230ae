/** Configuration revisions of a whole gateway: history, comparison, rollback, pin, over restarts and kills, by the command line. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCli } from '#src/cli/cli.ts';
import { Random } from '#src/lib/random.ts';
import type { RevisionDiff, RevisionEntry } from '#src/model/threads/revision.ts';
import { recordedDeps } from '../../support/cli.ts';
import {
  type GatewayProcess,
  logged,
  startGatewayProcess,
  startService,
  type TestService,
  until,
} from '../../support/gateway.ts';
import { inFolder } from '../../support/state/folder.ts';
import { consulKeys } from '../../support/stores/keys.ts';
import { CONSUL, cannotRun, startStore } from '../../support/stores/server.ts';

const TOKEN = 'correct-horse-battery-staple';
const ROUNDS = process.env['SLUICE_TEST_DEPTH'] === 'full' ? 30 : 3;
const SETTINGS = `listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nworkers: 1\nsaturation: {response: observe}\nadminToken: ${TOKEN}\n`;

let good: TestService;
let other: TestService;

before(async () => {
  good = await startService('good');
  other = await startService('other');
});

after(async () => {
  await good.close();
  await other.close();
});

const shopAt = (port: number): string => `versions: {v1: {endpoints: ["127.0.0.1:${port}"]}}`;

function documentOf(state: string, service: TestService, more = ''): string {
  return `${SETTINGS}state: {directory: "${state}"}\n${more}services: {shop: {${shopAt(service.port)}}}
routes: [{name: shop, backendRefs: [{name: shop}]}]\n`;
}

/** Runs `sluice config …` against a gateway. */
async function config(gateway: { readonly adminUrl: string }, ...argv: string[]) {
  const env = { SLUICE_ADMIN: gateway.adminUrl, SLUICE_ADMIN_TOKEN: TOKEN };
  const { deps, out, err } = recordedDeps({ env });
  const code = await runCli(['config', ...argv], deps);
  return { code, out: out(), err: err() };
}

const answerOf = async ({ proxyUrl }: GatewayProcess): Promise<string> => (await fetch(proxyUrl)).text();
const revisionOf = async (gateway: GatewayProcess): Promise<number> => (await gateway.status()).config.revision;
const historyOf = async (gateway: GatewayProcess): Promise<readonly RevisionEntry[]> => {
  const { out } = await config(gateway, 'history', '-o', 'json');
  return (JSON.parse(out) as { revisions: RevisionEntry[] }).revisions;
};
const numbersOf = async (gateway: GatewayProcess): Promise<number[]> =>
  (await historyOf(gateway)).map(({ number }) => number);
/** Every revision is packed, in this order, and then written. */
const saved = (gateway: GatewayProcess): Promise<void> =>
  until('everything is packed and saved', async () => {
    const isPacked = (await historyOf(gateway)).every(({ bytes }) => bytes > 0);
    return isPacked && (await gateway.status()).state.rowsPending === 0;
  });
/** A configuration that comes from the sources is in the status before the workers have it. */
const answers = (gateway: GatewayProcess, text: string): Promise<void> =>
  until(`it answers ${text}`, async () => (await answerOf(gateway)) === text);

test('a configuration is rolled back, stays over restarts and kills, and yields to a newer one', async () => {
  await inFolder(async (state) => {
    const first = documentOf(state, good);
    const second = documentOf(state, other);
    let gateway = await startGatewayProcess(first);
    try {
      assert.equal(await answerOf(gateway), 'good');
      gateway.save(second);
      await until('the second is taken', async () => (await revisionOf(gateway)) === 2);
      await answers(gateway, 'other');

      const { out: text } = await config(gateway, 'diff');
      assert.match(text, /^1 [0-9a-f]{8} -> 2 [0-9a-f]{8}\nservice shop\n {2}- versions\[v1\]\.endpoints\[127/);
      const { out: json } = await config(gateway, 'diff', '2', '1', '-o', 'json');
      assert.equal((JSON.parse(json) as RevisionDiff).changes.length, 2);

      const done = await config(gateway, 'rollback', '--reason', 'it answers for another shop');
      assert.deepEqual([done.code, done.err], [0, '']);
      assert.match(done.out, /^configuration rolled back from revision 2 to 1, pinned until the sources hold/);
      assert.equal(await answerOf(gateway), 'good');
      const health = await fetch(`${gateway.adminUrl}/healthz?include=config`);
      const told = (await health.json()) as { config: { isSame: boolean; sentence: string } };
      const sentence = 'pinned to revision 1 by api: it answers for another shop';
      assert.deepEqual([told.config.isSame, told.config.sentence], [false, sentence]);
      const metrics = await (await fetch(`${gateway.adminUrl}/metrics`)).text();
      assert.match(metrics, /^sluice_config_pinned 1$/m);
      assert.match(metrics, /^sluice_config_rollbacks_total\{by="api"\} 1$/m);
      await logged(gateway, /config_rolled_back.*it answers for another shop/);
      assert.equal((await config(gateway, 'diff', 'sources', '3')).code, 0);

      // The same document again is no reason to leave the pin.
      const looks = (): number => gateway.output().split('config_unchanged').length;
      const before = looks();
      gateway.save(second);
      gateway.child.kill('SIGHUP');
      await until('it is looked at', () => looks() > before);
      assert.equal(await answerOf(gateway), 'good');
      await saved(gateway);
      gateway.child.kill('SIGKILL');
      await gateway.exited;
      await gateway.end();

      gateway = await startGatewayProcess(second);
      assert.equal(await answerOf(gateway), 'good', 'nobody is served by what was rolled back');
      await logged(gateway, /config_pinned/);
      assert.deepEqual(await numbersOf(gateway), [3, 2, 1]);
      assert.equal((await gateway.status()).revisions.pin?.to, 1);

      gateway.save(documentOf(state, other, 'limits: {headerCountMax: 64}\n'));
      await until('a newer document ends the pin', async () => (await gateway.status()).revisions.pin === null);
      await answers(gateway, 'other');
      assert.equal((await gateway.status()).revisions.difference, '');
      assert.deepEqual(await numbersOf(gateway), [4, 3, 2, 1]);
    } finally {
      await gateway.end();
    }
  });
});

test('a pin is lifted by hand, and what cannot be done says why', async (t) => {
  const gateway = await startGatewayProcess(documentOf('', good).replace(/state:.*\n/, ''));
  t.after(() => gateway.end());
  const refusal = async (argv: readonly string[], code: number, text: RegExp): Promise<void> => {
    const answer = await config(gateway, ...argv);
    assert.equal(answer.code, code, answer.err);
    assert.match(answer.err, text);
  };
  await refusal(['rollback', '--reason', 'r'], 1, /no earlier revision with other content/);
  await refusal(['rollback', '7', '--reason', 'r'], 1, /no revision 7; 1 to 1 are kept/);
  await refusal(['rollback', '1', '--reason', 'r'], 1, /revision 1 is what is in force/);
  await refusal(['rollback'], 2, /rollback needs --reason/);
  await refusal(['unpin'], 1, /is not pinned/);
  await refusal(['history', '--reason', 'r'], 2, /does not take --reason/);
  await refusal(['diff'], 1, /no revision before this one/);
  await refusal(['diff', '1', '9'], 1, /no revision 9/);
  await refusal(['diff', '--admin', 'http://127.0.0.1:1'], 3, /cannot reach the admin server/);

  gateway.save(documentOf('', other).replace(/state:.*\n/, ''));
  await until('the second is in force', async () => (await revisionOf(gateway)) === 2);
  const { hash } = (await gateway.status()).config;
  assert.equal((await config(gateway, 'rollback', '1', '--reason', 'r')).code, 0);
  assert.equal(await answerOf(gateway), 'good');
  const { out } = await config(gateway, 'unpin', '--reason', 'it is mended', '-o', 'json');
  assert.deepEqual([(JSON.parse(out) as { hash: string }).hash, await answerOf(gateway)], [hash, 'other']);
  const history = await config(gateway, 'history');
  assert.match(history.out, /^\* 4 .*unpinned by api \(content of 2\)\n {2}3 .*rollback by api \(content of 1\)\n/m);
  // What is wrong at the source is told, and what is in force stays.
  gateway.save('routes: 7\n');
  await until('it is refused', async () => (await gateway.status()).revisions.sourceHash === null);
  assert.match((await gateway.status()).revisions.difference, /was refused/);
});

test('a history that is damaged loses what is damaged, and the gateway serves', async () => {
  await inFolder(async (state) => {
    const first = await startGatewayProcess(documentOf(state, good));
    try {
      first.save(documentOf(state, other));
      await until('the second is in force', async () => (await revisionOf(first)) === 2);
      await saved(first);
      first.child.kill('SIGTERM');
      await first.exited;
    } finally {
      await first.end();
    }
    const database = new DatabaseSync(join(state, 'sluice.db'));
    database.exec("UPDATE budgets SET bytes = substr(bytes, 1, length(bytes) - 1) WHERE key = 'config/1'");
    database.exec("INSERT INTO budgets SELECT 'config/x', format, x'7b', at FROM budgets WHERE key = 'config/1'");
    database.exec("UPDATE budgets SET bytes = x'7b' WHERE key = 'config/pin'");
    database.close();
    const second = await startGatewayProcess(documentOf(state, other));
    try {
      assert.equal(await answerOf(second), 'other');
      assert.deepEqual(await numbersOf(second), [2]);
      const invalid = (): number => second.output().split('state_invalid').length - 1;
      await until('what is lost is told', () => invalid() >= 3);
      assert.equal(invalid(), 3);
      assert.equal(existsSync(join(state, 'sluice.db.damaged-1')), false);
    } finally {
      await second.end();
    }
  });
});

test('revisions kept as differences are compared and gone back to after a kill, also when the whole one is forgotten', async () => {
  await inFolder(async (state) => {
    const folder = join(state, 'routes');
    mkdirSync(folder);
    // Put in its place as a whole: one that is read half is a change of its own.
    const write = (n: number, service: string): void => {
      const text = `routes: [{name: r${n}, matches: [{path: {value: /r${n}}}], backendRefs: [{name: ${service}}]}]\n`;
      writeFileSync(join(state, 'fresh'), text);
      renameSync(join(state, 'fresh'), join(folder, `r${n}.yaml`));
    };
    for (let n = 0; n < 20; n++) write(n, 'good');
    const text = `${SETTINGS}state: {directory: "${state}"}\nrevisions: {keep: 2}\nsources: [{directory: {path: "${folder}"}}]
services: {good: {${shopAt(good.port)}}, other: {${shopAt(other.port)}}}\n`;
    const at = async ({ proxyUrl }: GatewayProcess, path: string) => (await fetch(proxyUrl + path)).text();
    let gateway = await startGatewayProcess(text);
    try {
      for (const n of [0, 1]) {
        write(n, 'other');
        await until('it is in force', async () => (await revisionOf(gateway)) === n + 2);
      }
      await saved(gateway);
      gateway.child.kill('SIGKILL');
      await gateway.exited;
      await gateway.end();
      const database = new DatabaseSync(join(state, 'sluice.db'), { readOnly: true });
      const rows = database
        .prepare("SELECT key, length(bytes) > 0 AS held FROM budgets WHERE key LIKE 'config/%'")
        .all();
      database.close();
      const held = rows.filter((row) => row['held'] === 1).map(({ key }) => key);
      assert.deepEqual(held.toSorted(), ['config/2', 'config/3', 'config/base/0', 'config/confirmed']);

      gateway = await startGatewayProcess(text);
      assert.deepEqual(await numbersOf(gateway), [3, 2]);
      assert.match((await config(gateway, 'diff', '2', '3')).out, /^2 \w+ -> 3 \w+\nroute r1\n/);
      assert.equal((await config(gateway, 'rollback', '2', '--reason', 'r')).code, 0);
      assert.deepEqual(await Promise.all(['/r0', '/r1'].map((path) => at(gateway, path))), ['other', 'good']);
      assert.doesNotMatch(gateway.output(), /state_invalid|config_pin_lost/);
    } finally {
      await gateway.end();
    }
  });
});

test('a gateway killed between accepting and writing comes back whole, with what it had written', async () => {
  const seed = Number(process.env['SLUICE_TEST_SEED'] ?? 3_301);
  const random = new Random(seed);
  await inFolder(async (state) => {
    let known: number[] = [];
    const text = (round: number): string => documentOf(state, good, `limits: {headerCountMax: ${100 + round}}\n`);
    for (let round = 0; round < ROUNDS; round++) {
      const gateway = await startGatewayProcess(text(round));
      try {
        const where = `seed ${seed}, round ${round}`;
        const numbers = await numbersOf(gateway);
        assert.deepEqual(
          numbers,
          Array.from({ length: numbers.length }, (_, n) => (numbers[0] as number) - n),
          where,
        );
        assert.ok((numbers[0] as number) >= (known[0] ?? 0), `${where}: what was written is there`);
        assert.doesNotMatch(gateway.output(), /state_invalid|state_damaged/, where);
        await saved(gateway);
        known = numbers;
        gateway.save(text(round + 1));
        await until('it is accepted', async () => (await revisionOf(gateway)) === 2);
        // Rows wait for up to 0.8 s: some of the kills come before, some after.
        await sleep(random.nextFloat() * 1200);
        gateway.child.kill('SIGKILL');
        await gateway.exited;
      } finally {
        await gateway.end();
      }
    }
  });
});

test('a rollback works while the store is away', { skip: cannotRun(CONSUL) }, async (t) => {
  const server = await startStore(CONSUL);
  let isGone = false;
  t.after(() => (isGone ? undefined : server.end()));
  const keys = consulKeys(server.url, 'sluice');
  await keys.put('services/shop', `{${shopAt(good.port)}}`);
  await keys.put('routes/shop', 'backendRefs: [{name: shop}]');
  const gateway = await startGatewayProcess(
    `${SETTINGS}sources: [{consul: {address: "${server.url}", wait: 1s}}]\nfollow: {shrinkConfirm: 1h, startTimeout: 1m}\n`,
  );
  t.after(() => gateway.end());
  await keys.put('services/shop', `{${shopAt(other.port)}}`);
  await until('the second is in force', async () => (await revisionOf(gateway)) === 2);
  const { out } = await config(gateway, 'history');
  assert.match(out, /^\* 2 .*consul 127\.0\.0\.1:\d+ sluice\n {2}1 .*start\n$/m);
  isGone = true;
  await server.end();
  await until('it is missed', async () => (await gateway.status()).sources[0]?.state === 'backing-off');
  assert.equal((await config(gateway, 'rollback', '--reason', 'the store is away')).code, 0);
  assert.equal(await answerOf(gateway), 'good');
  const { revisions } = await gateway.status();
  assert.deepEqual([revisions.number, revisions.pin?.to, revisions.staleMs > 0], [3, 1, true]);
});
