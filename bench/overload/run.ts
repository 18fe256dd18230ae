/**
 * The overload bench: what is left of a service that gets far more than it can serve, behind Sluice and behind others.
 * bench/README.md says how and why.
 *
 * Loopback only. Every child is ended by its pid, also on Ctrl-C and on failure.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureServers } from '../../test/support/runner/servers.ts';
import { writeResult } from '../control/results.ts';
import { renderTable } from '../control/tables.ts';
import { ticksPerSecond } from '../macro/accounts/processes.ts';
import { Children, stopOnSignals } from '../macro/children.ts';
import { haproxy } from '../macro/contenders/haproxy.ts';
import { chooseCores } from '../macro/session.ts';
import { CONTENDER, type ContenderName } from './contenders.ts';
import { measure, type Sample, type Session } from './measure.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { RESULTS, simulate, writePage } from './page.ts';
import { judge, type Outcome, renderOutcome, renderVerdicts } from './report.ts';
import { type Entry, entriesOf, smokeEntries } from './scenarios.ts';
import { FULL } from './tables.ts';

const root = join(import.meta.dirname, '../..');

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function git(...args: readonly string[]): string {
  const { stdout, status } = spawnSync('git', args, { cwd: root, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : 'unknown';
}

async function runEntry(session: Session, entry: Entry, rounds: number): Promise<Outcome> {
  const samples: Partial<Record<ContenderName, Sample[]>> = {};
  for (let round = 1; round <= rounds; round++) {
    for (const name of entry.contenders) {
      const sample = await measure(session, name, entry.scenario, round);
      (samples[name] ??= []).push(sample);
    }
  }
  const outcome: Outcome = { ...entry, samples };
  say(`\n${renderOutcome(outcome)}`);
  return outcome;
}

function publish(options: Options, haproxyVersion: string, outcomes: readonly Outcome[]): void {
  const verdicts = judge(outcomes);
  say(`\n${renderVerdicts(verdicts)}`);
  const setting = {
    at: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD'),
    isDirty: git('status', '--porcelain', '--', 'src') !== '',
    node: process.version,
    haproxy: haproxyVersion,
    cpu: `${cpus().length} x ${cpus()[0]?.model ?? 'unknown'}`,
    kernel: release(),
    rounds: options.rounds,
    seconds: options.seconds,
  };
  const result = { setting, verdicts, outcomes };
  if (options.save) writeResult('measured', result, RESULTS);
  if (options.json === null) return;
  writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  say(`written: ${options.json}`);
}

/** Those whose programs are there; says which are left out. */
function present(only: readonly ContenderName[]): { names: ContenderName[]; binary: Session['binary'] } {
  const { found, lines } = ensureServers(only.flatMap((name) => CONTENDER[name].needs).slice(0, 1));
  for (const line of lines) say(line);
  return {
    names: only.filter((name) => CONTENDER[name].needs.every(({ binary }) => found.has(binary))),
    binary: (name) => found.get(name) ?? name,
  };
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options.help) {
    say(USAGE);
    return 0;
  }
  if (options.page || options.tables.length > 0) {
    for (const name of options.tables) say(renderTable(simulate(name, FULL)));
    writePage();
    return 0;
  }
  const { names, binary } = present(options.only);
  const { entries, left } = options.isSmoke ? smokeEntries(names) : entriesOf(names, options);
  for (const name of left) say(`left out, as it needs more than ${options.rateMax} requests/s: ${name}`);
  const children = new Children();
  const abort = new AbortController();
  const folder = mkdtempSync(join(tmpdir(), 'sluice-overload-'));
  stopOnSignals(abort, children);
  const session: Session = {
    folder,
    children,
    binary,
    cores: chooseCores(),
    signal: abort.signal,
    ticksPerSecond: ticksPerSecond(),
  };
  try {
    const outcomes: Outcome[] = [];
    for (const entry of entries) outcomes.push(await runEntry(session, entry, options.rounds));
    publish(options, names.includes('haproxy') ? haproxy.version(binary) : 'none', outcomes);
    return 0;
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    say('interrupted');
    return 130;
  } finally {
    await children.stopAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

process.exitCode = await main();
