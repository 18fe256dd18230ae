/** What workers are told of TLS, when files and configurations change. */

import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { createHealth, LOOK_MS, ROTATE_MS, Tls } from '#src/compose/tls.ts';
import { bothClocks } from '#src/lib/clock.ts';
import type { Config } from '#src/model/config.ts';
import type { Door, DoorMaterial, TlsMaterial } from '#src/model/threads/tls.ts';
import { createEndpointDials } from '#src/snapshot/endpoint-dials.ts';
import { upstreamKey } from '#src/snapshot/live.ts';
import { configOf, SOUND } from '../../support/config.ts';
import { type Authority, authorityOf, type Issued } from '../../support/http/certificates.ts';

interface Rig {
  readonly authority: Authority;
  readonly files: Issued;
  readonly tls: Tls;
  readonly taught: TlsMaterial[];
  readonly logged: string[];
  /** Runs what is due after that long, once. */
  readonly pass: (ms: number) => void;
  /** Sets the wall clock. */
  readonly at: (wallMs: number) => void;
  /** Sets the monotonic clock. */
  readonly now: (nowMs: number) => void;
  /** Whether workers cannot be told. */
  readonly fail: (is: boolean) => void;
  /** @param certificate further fields of it */
  readonly config: (more?: string, service?: string, certificate?: string) => Config;
}

function rigOf(t: TestContext): Rig {
  const authority = authorityOf(t);
  const files = authority.issue('live', { names: 'DNS:a.example' });
  const taught: TlsMaterial[] = [];
  const logged: string[] = [];
  const timers = new Map<number, { run: () => void; ms: number }>();
  let next = 0;
  let { wallMs } = bothClocks();
  let nowMs = 0;
  let isFailing = false;
  const note = (level: string) => (event: string, fields?: Record<string, unknown>) => {
    logged.push(`${level} ${event} ${JSON.stringify(fields)}`);
  };
  const tls = new Tls({
    log: { info: note('info'), warn: note('warn'), error: note('error') },
    teach: (material) => {
      if (isFailing) throw new Error('not told');
      taught.push(material);
    },
    wallMs: () => wallMs,
    nowMs: () => nowMs,
    timers: {
      set: (run, ms) => {
        timers.set(++next, { run, ms });
        return next;
      },
      clear: (timer) => void timers.delete(timer as number),
    },
  });
  return {
    authority,
    files,
    tls,
    taught,
    logged,
    pass: (ms) => {
      for (const [id, timer] of timers) {
        if (timer.ms !== ms) continue;
        timers.delete(id);
        timer.run();
        return;
      }
      assert.fail(`nothing is due after ${ms} ms`);
    },
    at: (ms) => {
      wallMs = ms;
    },
    now: (ms) => {
      nowMs = ms;
    },
    fail: (is) => {
      isFailing = is;
    },
    config: (more = '', service = '', certificate = '') => {
      const shown = `{cert: ${files.cert}, key: ${files.key}${certificate}}`;
      const listener = `{host: a, port: 1, tls: {certificates: [${shown}]${more}}}`;
      return configOf(
        `listen: {host: a, port: 2}\nlisteners: [${listener}]\n${SOUND.replace('  shop:\n', `  shop:\n${service}`)}`,
      );
    },
  };
}

function door(material: TlsMaterial | undefined): DoorMaterial {
  const found = material?.doors[1];
  assert.ok(typeof found === 'object', JSON.stringify(found));
  return found;
}

const keysOf = (material: Door): string => Buffer.from((material as DoorMaterial).ticketKeys).toString('hex');

describe('the files of listeners', () => {
  it('are told once, and again when one has changed', (t) => {
    const { tls, taught, pass, config, authority, files, logged } = rigOf(t);
    tls.follow(config());
    pass(LOOK_MS);
    tls.follow(config());
    assert.equal(taught.length, 1);
    assert.equal(taught[0]?.doors[0], 'plain');
    const fresh = authority.issue('fresh', { names: 'DNS:b.example' });
    copyFileSync(fresh.cert, files.cert);
    copyFileSync(fresh.key, files.key);
    pass(LOOK_MS);
    assert.equal(taught.length, 2);
    assert.deepEqual(door(taught[1]).certificates[0]?.names, ['b.example']);
    assert.match(logged.join(), /info tls_files/);
    assert.deepEqual(tls.status().reloads, { done: 1, failed: 0 });
  });

  it('that cannot be used leave what was read before, and are told once', (t) => {
    const { tls, taught, pass, config, files, logged } = rigOf(t);
    tls.follow(config());
    writeFileSync(files.key, 'garbage');
    pass(LOOK_MS);
    pass(LOOK_MS);
    assert.equal(taught.length, 2, 'the state is another one');
    assert.deepEqual(door(taught[1]).certificates, door(taught[0]).certificates);
    assert.equal(logged.filter((line) => line.startsWith('error tls_files_refused')).length, 1);
    assert.deepEqual(
      tls.status().listeners.map(({ state }) => state),
      ['kept'],
    );
    tls.reload();
    assert.equal(logged.filter((line) => line.startsWith('error tls_files_refused')).length, 2, 'whoever asks is told');
  });

  it('that cannot be used shut a listener that is to ask for more than before', (t) => {
    const { tls, taught, config, authority } = rigOf(t);
    tls.follow(config());
    tls.follow(config(', clientAuth: {ca: /none.pem}'));
    assert.equal(taught.at(-1)?.doors[1], 'shut');
    tls.follow(config(`, clientAuth: {ca: ${authority.ca}}`));
    assert.equal(door(taught.at(-1)).clientAuth?.mode, 'required');
    rmSync(authority.ca);
    tls.reload();
    assert.equal(door(taught.at(-1)).clientAuth?.mode, 'required', 'the issuers of before are believed');
  });

  it('ask for issuers, however many', (t) => {
    const { tls, taught, config, authority } = rigOf(t);
    tls.follow(config());
    writeFileSync(authority.ca, readFileSync(authority.ca, 'utf8').repeat(50));
    tls.follow(config(`, clientAuth: {ca: ${authority.ca}}`));
    assert.equal(door(taught.at(-1)).clientAuth?.mode, 'required');
    assert.deepEqual(tls.material, taught.at(-1));
  });

  it('are told again where workers could not be told', (t) => {
    const { tls, taught, config, authority, pass, fail } = rigOf(t);
    tls.follow(config());
    fail(true);
    assert.throws(() => tls.follow(config(`, clientAuth: {ca: ${authority.ca}}`)), /not told/);
    fail(false);
    pass(LOOK_MS);
    assert.equal(door(taught.at(-1)).clientAuth?.mode, 'required');
  });

  it('of a listener that is configured no more go on: its socket is open until the next start', (t) => {
    const { tls, taught, config } = rigOf(t);
    tls.follow(config());
    const { listeners: _, ...without } = config();
    tls.follow(without);
    assert.equal(taught.length, 1);
    assert.equal(typeof tls.material.doors[1], 'object');
  });

  it('of a listener that is configured no more are not weaker than they were last', (t) => {
    const { tls, taught, config, authority } = rigOf(t);
    tls.follow(config());
    const { listeners: _, ...without } = config();
    tls.follow(config(`, clientAuth: {ca: ${authority.ca}}`));
    tls.follow(without);
    assert.equal(door(tls.material).clientAuth?.mode, 'required');
    tls.reload();
    assert.equal(door(taught.at(-1)).clientAuth?.mode, 'required');
  });

  it('that end soon are warned of when they come', (t) => {
    const { tls, pass, config, authority, files, logged } = rigOf(t);
    tls.follow(config());
    const fresh = authority.issue('fresh', { names: 'DNS:a.example', days: 5 });
    copyFileSync(fresh.cert, files.cert);
    copyFileSync(fresh.key, files.key);
    pass(LOOK_MS);
    assert.match(logged.join(), /warn certificate_expires .*a\.example/);
  });
});

describe('an OCSP response', () => {
  const END_MS = Date.parse('2099-01-02T00:00:00Z');

  it('is stapled until it expires while the process runs, then warned of once, and stapled when it is renewed', (t) => {
    const { tls, taught, at, pass, config, authority, files, logged } = rigOf(t);
    const ocsp = authority.write('live.ocsp', authority.respond(files, { nextUpdateMs: END_MS }));
    const staple = () => tls.status().listeners[0]?.certificates[0]?.staple;
    tls.follow(config('', '', `, ocsp: ${ocsp}`));
    assert.notEqual(door(taught[0]).certificates[0]?.ocsp, null);
    assert.deepEqual(staple(), { nextUpdate: '2099-01-02T00:00:00.000Z', because: '' });
    at(END_MS - 1);
    pass(LOOK_MS);
    assert.equal(taught.length, 1);
    at(END_MS);
    pass(LOOK_MS);
    pass(LOOK_MS);
    assert.equal(taught.length, 2);
    assert.equal(door(taught[1]).certificates[0]?.ocsp, null);
    assert.equal(staple()?.because, 'one that expired at 2099-01-02T00:00:00.000Z');
    assert.match(logged.join('\n'), /^warn ocsp_not_stapled .*a\.example.*expired at 2099-01-02T00:00:00\.000Z"}$/);
    assert.deepEqual(tls.status().reloads, { done: 0, failed: 0 }, 'no file has changed');
    writeFileSync(ocsp, authority.respond(files, { nextUpdateMs: END_MS + 1000 }));
    pass(LOOK_MS);
    assert.notEqual(door(taught[2]).certificates[0]?.ocsp, null);
    assert.equal(staple()?.because, '');
  });

  it('of before is not stapled beyond its end either, where what is read now cannot be used', (t) => {
    const { tls, taught, at, pass, config, authority, files } = rigOf(t);
    const ocsp = authority.write('live.ocsp', authority.respond(files, { nextUpdateMs: END_MS }));
    tls.follow(config('', '', `, ocsp: ${ocsp}`));
    writeFileSync(ocsp, 'garbage');
    pass(LOOK_MS);
    assert.equal(tls.status().listeners[0]?.state, 'kept');
    assert.notEqual(door(taught.at(-1)).certificates[0]?.ocsp, null);
    at(END_MS);
    pass(LOOK_MS);
    assert.equal(door(taught.at(-1)).certificates[0]?.ocsp, null);
  });
});

describe('keys of tickets', () => {
  it('are the same for the same rules, and others for others, for every process and after twelve hours', (t) => {
    const { tls, config, authority, pass, taught } = rigOf(t);
    tls.follow(config());
    const [before] = tls.material.doors.slice(1) as [Door];
    assert.equal(keysOf(before), keysOf(tls.material.doors[1] as Door));
    tls.follow(config(`, clientAuth: {mode: optional, ca: ${authority.ca}}`));
    const asked = tls.material.doors[1] as DoorMaterial;
    assert.notEqual(keysOf(asked), keysOf(before));
    assert.notEqual(asked.sessionContext, (before as DoorMaterial).sessionContext);
    const count = taught.length;
    pass(ROTATE_MS);
    assert.equal(taught.length, count + 1);
    assert.notEqual(keysOf(door(taught.at(-1))), keysOf(asked));
    pass(ROTATE_MS);
    const other = rigOf(t);
    other.tls.follow(other.config());
    assert.notEqual(keysOf(door(other.tls.material)), keysOf(before));
  });
});

describe('what tickets are sealed with', () => {
  it('is the same in a successor, and replaced when it would have been before', (t) => {
    const [before, after] = [rigOf(t), rigOf(t)];
    before.tls.follow(before.config());
    before.now(ROTATE_MS - 1000);
    const { tickets } = before.tls;
    assert.equal(tickets?.leftMs, 1000);
    after.tls.follow(after.config());
    const own = keysOf(door(after.tls.material));
    after.tls.adopt(tickets);
    assert.equal(after.taught.length, 2);
    const adopted = keysOf(door(after.taught[1]));
    assert.notEqual(adopted, own);
    assert.equal(after.tls.tickets?.base64, tickets?.base64);
    assert.throws(() => after.pass(ROTATE_MS), /nothing is due/);
    after.pass(1000);
    assert.notEqual(keysOf(door(after.taught[2])), adopted);
    after.pass(ROTATE_MS);
    assert.ok(![...before.logged, ...after.logged].join().includes(tickets?.base64 ?? ''));
  });

  it('is its own where none was passed, one that is none, or TLS is not spoken', (t) => {
    const { tls, taught, config } = rigOf(t);
    assert.equal(tls.tickets, null);
    tls.adopt({ base64: Buffer.alloc(32).toString('base64'), leftMs: 1000 });
    tls.follow(config());
    tls.adopt(null);
    tls.adopt({ base64: 'AAAA', leftMs: 1000 });
    assert.equal(taught.length, 1);
  });
});

describe('the files towards endpoints', () => {
  it('are told by their settings; those that cannot be used are null, and those of before stay', (t) => {
    const { tls, config, authority } = rigOf(t);
    const missing = config('', '    tls: {ca: /none.pem}\n');
    tls.follow(missing);
    assert.deepEqual([...tls.material.upstreams.values()], [null]);
    assert.match(tls.status().upstreamsFailed.join(), /^shop\.versions\.v\d\.tls: .*ENOENT/);
    const sound = config('', `    tls: {ca: ${authority.ca}}\n`);
    tls.follow(sound);
    const [settings] = sound.services.flatMap(({ versions }) => versions.flatMap((version) => version.tls ?? []));
    const key = upstreamKey(settings as NonNullable<typeof settings>);
    assert.match(tls.upstream(key)?.ca ?? '', /BEGIN CERTIFICATE/);
    rmSync(authority.ca);
    tls.reload();
    assert.match(tls.upstream(key)?.ca ?? '', /BEGIN CERTIFICATE/);
    assert.equal(tls.upstream('other'), null);
  });
});

it('nothing is looked at without TLS, nor after the end', (t) => {
  const { tls, pass, config, taught } = rigOf(t);
  tls.follow(configOf(SOUND));
  assert.throws(() => pass(LOOK_MS), /nothing is due/);
  assert.deepEqual(tls.urls([8080]), ['http://0.0.0.0:8080']);
  const other = rigOf(t);
  other.tls.follow(other.config());
  other.tls.close();
  assert.throws(() => other.pass(LOOK_MS), /nothing is due/);
  assert.throws(() => other.pass(ROTATE_MS), /nothing is due/);
  assert.equal(taught.length, 1);
  assert.ok(config());
});

it('checks of endpoints are made with what endpoints are believed by', () => {
  const health = createHealth({ upstream: () => null }, createEndpointDials());
  assert.equal(health.status.checks.passed, 0);
  health.close();
});
