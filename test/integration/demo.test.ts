import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { until } from '../support/gateway.ts';
import { parseExposition } from '../support/readings/metrics/exposition.ts';
import { assertShown, shownOf } from '../support/runner/shown.ts';

const ROOT = join(import.meta.dirname, '../..');

interface Demo {
  readonly child: ChildProcess;
  readonly output: () => string;
  /** Resolves as soon as the output matches. */
  readonly said: (pattern: RegExp) => Promise<void>;
  readonly exit: Promise<{ readonly code: number | null }>;
  /** Where it puts its files. */
  readonly folder: string;
}

/** Starts `src/main.ts demo` with an own folder for temporary files. */
function demo(context: TestContext, args: readonly string[]): Demo {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-test-'));
  const child = spawn(process.execPath, ['src/main.ts', 'demo', ...args], {
    cwd: ROOT,
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      for (const look of waiting) look();
    });
  }
  const exit = once(child, 'close').then(([code]) => ({ code: code as number | null }));
  context.after(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  const said = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(text)) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      exit.then(() => reject(new Error(`it ended without saying ${pattern}:\n${text}`)), reject);
    });
  return { child, output: () => text, said, exit, folder };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Pids of the gateway and the two services, as the demo said them. */
function pidsIn(output: string): number[] {
  const match = /processes: gateway (\d+), checkout v1 (\d+), checkout v2 (\d+)/.exec(output);
  assert.ok(match !== null, output);
  return match.slice(1).map(Number);
}

/** Children that end by themselves need a moment after their parent. */
function untilGone(pids: readonly number[]): Promise<void> {
  return until(`the end of ${pids.join(', ')}`, () => !pids.some(isAlive));
}

/** Takes a port; one that somebody else has is taken already. @returns the port */
async function takePort(context: TestContext, port = 0): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => {
    server.once('error', () => resolve());
    server.listen(port, '127.0.0.1', resolve);
  });
  context.after(() => server.close());
  return (server.address() as AddressInfo | null)?.port ?? port;
}

/**
 * The metrics of a gateway that has really served agree with one another and with the story. Requests go on while a page
 * is read, so that one of them may be in one counter and not yet in the next: one page of some must agree.
 */
async function checkMetrics(url: URL): Promise<void> {
  let fault: unknown;
  const agrees = async (): Promise<boolean> => {
    try {
      checkPage(await (await fetch(url)).text());
      return true;
    } catch (error) {
      fault = error;
      return false;
    }
  };
  await until('a page agrees', agrees).catch(() => {
    throw fault;
  });
}

function checkPage(text: string): void {
  const families = parseExposition(text);
  const valueOf = (family: string, wanted: Readonly<Record<string, string>>, name = family) => {
    const found = (families.get(family)?.samples ?? []).filter(
      (sample) => sample.name === name && Object.entries(wanted).every(([key, value]) => sample.labels[key] === value),
    );
    assert.equal(found.length, 1, `${name} ${JSON.stringify(wanted)}`);
    return found[0]?.value ?? Number.NaN;
  };
  assert.equal(valueOf('sluice_rollback_total', { version: 'v2' }), 1);
  assert.equal(valueOf('sluice_rollout_state', { state: 'rolled-back' }), 1);
  assert.equal(valueOf('sluice_version_weight_ratio', { version: 'v2' }), 0);
  assert.equal(valueOf('sluice_config_reloads_total', { result: 'refused' }), 0);
  assert.equal(valueOf('sluice_ready', {}), 1);
  const duration = 'http_server_request_duration_seconds';
  for (const version of ['v1', 'v2']) {
    const good = valueOf('sluice_requests_total', { version, outcome: 'good' });
    const bad = valueOf('sluice_requests_total', { version, outcome: 'bad' });
    // How many of them there are, is the machine's to say: the story goes by time.
    assert.ok(good > 0);
    assert.equal(bad > 0, version === 'v2');
    assert.equal(valueOf(duration, { service_version: version }, `${duration}_count`), good + bad);
    assert.equal(valueOf('sluice_upstream_requests_total', { version, code_class: '5xx' }), bad);
    assert.ok(valueOf(duration, { service_version: version, le: '0.3' }, `${duration}_bucket`) <= good + bad);
  }
}

/** Reached only when something hangs. */
const LIMIT = { timeout: 400_000 };

suite('demo', LIMIT, () => {
  test('--once exits 0, with the measured story of a real rollback, and leaves nothing behind', async (context) => {
    const { output, exit, folder } = demo(context, ['--once']);
    const { code } = await exit;
    const text = output();
    assert.equal(code, 0, text);
    assert.match(text, /canary v2 {2}5 % .*\n(.*\n)+.*canary v2 10 % .*\n(.*\n)+.*canary v2 20 % /);
    assert.match(text, /ROLLED BACK v2: weight 20 → 0/);
    assert.match(text, /detected in {4}[\d.]+ m?s /);
    assert.match(text, /switched in {4}[\d.]+ ms /);
    assert.match(text, /evidence {7}v2 [1-9]\d* bad of \d+, v1 0 bad of \d+ requests/);
    const [, blame = ''] = /users saw {6}\d+ failures(?: \((.+?)\))? in \d+ requests/.exec(text) ?? assert.fail(text);
    const [, seen = 0] = /v2 (\d+)/.exec(blame) ?? [];
    const [, rescued, skipped] = /rescued {8}(\d+) failures of v2 by v1, (\d+) not/.exec(text) ?? assert.fail(text);
    // A stable version that stands still, as on a busy machine, has no room for more.
    assert.ok(Number(rescued) > 0 && Number(seen) <= 2 + Number(skipped), text);
    assert.match(text, /✔ stable kept serving: (\d+) of \1 requests/);
    assert.match(text, /v2 0 \(configured 20\)/);
    assert.doesNotMatch(text, /missing:|\u001b/);
    // Nobody is blamed where, as on that page, no user saw a failure.
    assertShown(shownOf('README.md', 'npm run demo -- --once'), text.replace(` (${blame})`, ''));
    await untilGone(pidsIn(text));
    assert.deepEqual(readdirSync(folder), []);
  });

  test('Ctrl-C in mid-story ends it with 1 and takes every child along', async (context) => {
    const { child, output, said, exit, folder } = demo(context, []);
    await said(/canary v2 {2}5 %/);
    const pids = pidsIn(output());
    assert.ok(pids.every(isAlive));
    child.kill('SIGINT');
    assert.equal((await exit).code, 1);
    assert.match(output(), /ended before the story was over/);
    await untilGone(pids);
    assert.deepEqual(readdirSync(folder), []);
  });

  test('children end even when the demo is killed', async (context) => {
    const { child, output, said, exit } = demo(context, []);
    await said(/route \/checkout/);
    const pids = pidsIn(output());
    child.kill('SIGKILL');
    await exit;
    await untilGone(pids);
  });

  test('a gateway that dies in mid-story ends the demo with 1 and is named', async (context) => {
    const { output, said, exit } = demo(context, []);
    await said(/route \/checkout/);
    const pids = pidsIn(output());
    process.kill(pids[0] as number, 'SIGKILL');
    assert.equal((await exit).code, 1);
    assert.match(output(), /the demo failed: gateway ended with SIGKILL/);
    await untilGone(pids);
  });

  test('on other ports when its own are taken, it keeps running, says what to try, and ends with 0 when told to', async (context) => {
    await takePort(context, 8080);
    await takePort(context, 9900);
    const { child, output, said, exit } = demo(context, ['--plain']);
    await said(/api\/v1\/decisions/);
    assert.match(output(), /port 8080 is taken, using \d+ \(--port chooses\)\n/);
    assert.match(output(), /port 9900 is taken, using \d+ \(--admin-port chooses\)\n/);
    const [, url] = /curl -i (http:\S+) .*-H 'x-color: v2'/.exec(output()) ?? [];
    assert.equal((await fetch(url ?? '')).headers.get('x-version'), 'v1');
    const pinned = await fetch(url ?? '', { headers: { 'x-color': 'v2' } });
    assert.equal(pinned.headers.get('x-version'), 'v2');
    const [, decisionsUrl] = /curl (http:\S+\/decisions)/.exec(output()) ?? [];
    const { decisions } = (await (await fetch(decisionsUrl ?? '')).json()) as { decisions: { kind: string }[] };
    assert.deepEqual(
      decisions.map(({ kind }) => kind),
      ['rollback'],
    );
    await checkMetrics(new URL('/metrics', decisionsUrl));
    const why = spawnSync(process.execPath, ['src/main.ts', 'why', 'checkout'], {
      cwd: ROOT,
      env: { ...process.env, SLUICE_ADMIN: new URL(decisionsUrl ?? '').origin },
      encoding: 'utf8',
    });
    assertShown(shownOf('README.md', 'sluice why checkout'), why.stdout);
    child.kill('SIGTERM');
    assert.equal((await exit).code, 0);
    await untilGone(pidsIn(output()));
  });

  test('a taken port that was asked for is refused in one line', async (context) => {
    const port = await takePort(context);
    const { output, exit } = demo(context, ['--port', String(port)]);
    assert.equal((await exit).code, 1);
    assert.equal(output(), `sluice: --port ${port} is not free; leave it out to pick one\n`);
  });
});
