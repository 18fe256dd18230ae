/**
 * `sluice demo`: a gateway, two versions of a service, users, and a canary that goes bad.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../../lib/clock.ts';
import { SluiceError } from '../../model/problem.ts';
import { fetchDecisions, fetchStatus } from '../admin/ask/client.ts';
import { readArgs, readPort } from '../args.ts';
import { type CliDeps, type Command, EXIT } from '../deps.ts';
import { type Children, createChildren, type ServiceChild } from './children.ts';
import { type DemoDocument, saveDocument } from './document.ts';
import { type Load, startLoad, USERS } from './load.ts';
import { pickPorts } from './ports.ts';
import { createScreen, latencyText, type Screen, versionsText } from './screen.ts';
import { watchForEnd } from './stop.ts';
import { PACE, play, type Stage } from './story.ts';

const PORT = 8080;
const ADMIN_PORT = 9900;
const REQUESTS_PER_SECOND = 200;
const SEED = 1;
/** Far more than a busy machine takes; a gateway that ends before is told of at once. */
const READY_MS_MAX = 60_000;
const POLL_MS = 50;
const LIVE_MS = 1000;

const USAGE = `sluice demo [--once] [--port N] [--admin-port N] [--plain]

Starts a gateway, two versions of a service and real traffic on loopback, ramps v2 up, breaks it, and shows the gateway
rolling it back by itself. About 20 seconds; then it keeps running until q or Ctrl-C.

  --once          end after the story; exit 0 only if the rollback happened and stable kept serving
  --port N        of the gateway; default ${PORT}, or any free one
  --admin-port N  of its admin server; default ${ADMIN_PORT}, or any free one
  --plain         no color, no live line; so too with NO_COLOR or without a terminal
  -h, --help      this text

Exit codes: 0 done, 1 the story went another way, a port that was asked for is taken, or it was interrupted before the end,
2 wrong usage.
`;

const OPTIONS = {
  once: { type: 'boolean' },
  port: { type: 'string' },
  'admin-port': { type: 'string' },
  plain: { type: 'boolean' },
} as const;

/** The command `demo`. */
export const demoCommand: Command = { usage: USAGE, run };

async function run(argv: readonly string[], deps: CliDeps): Promise<number> {
  const { values } = readArgs(argv, OPTIONS);
  const isPlain = values.plain === true || deps.stdout.isTTY !== true || (deps.env['NO_COLOR'] ?? '') !== '';
  const screen = createScreen({ output: deps.stdout, isPlain, nowMs });
  const ports = await choosePorts(values.port, values['admin-port'], screen);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
  const children = createChildren();
  const stop = watchForEnd(deps.events, deps.stdin);
  try {
    const setting = { ...ports, file: join(folder, 'gateway.yaml'), screen, children, signal: stop.signal };
    const performed = perform(setting, values.once === true, deps).catch((error: unknown) => {
      if (stop.signal.aborted) throw error;
      return children.blame(error);
    });
    return await Promise.race([children.failed, performed]);
  } catch (error) {
    if (stop.signal.aborted) screen.line('ended before the story was over', 'dim');
    else screen.line(`the demo failed: ${error instanceof Error ? error.message : String(error)}`, 'bad');
    return EXIT.failed;
  } finally {
    // Whatever is still waiting (a child failed in mid-story) is woken and gives up.
    stop.end();
    stop.release();
    await children.endAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Ports {
  readonly port: number;
  readonly adminPort: number;
}

interface Setting extends Ports {
  readonly file: string;
  readonly screen: Screen;
  readonly children: Children;
  readonly signal: AbortSignal;
}

/** A port that was asked for must be free; the usual ones give way. @throws SluiceError SLU_PORT_IN_USE */
async function choosePorts(port: string | undefined, adminPort: string | undefined, screen: Screen): Promise<Ports> {
  const wishes = [
    { option: '--port', port: readPort('--port', port, PORT), isFlexible: port === undefined },
    {
      option: '--admin-port',
      port: readPort('--admin-port', adminPort, ADMIN_PORT),
      isFlexible: adminPort === undefined,
    },
  ] as const;
  const picked = await pickPorts(wishes);
  const [proxy = 0, admin = 0] = picked.map((pick, index) => {
    const { option, port: wished } = wishes[index] as (typeof wishes)[number];
    if (pick === null)
      throw new SluiceError('SLU_PORT_IN_USE', `${option} ${wished} is not free; leave it out to pick one`);
    if (pick.isOther) screen.line(`port ${wished} is taken, using ${pick.port} (${option} chooses)`, 'dim');
    return pick.port;
  });
  return { port: proxy, adminPort: admin };
}

async function perform(setting: Setting, isOnce: boolean, deps: CliDeps): Promise<number> {
  const { screen, children, signal } = setting;
  const [v1, v2] = await Promise.all([children.service('v1'), children.service('v2')]);
  const document = { port: setting.port, adminPort: setting.adminPort, v1Port: v1.port, v2Port: v2.port };
  saveDocument(setting.file, { ...document, canaryPercent: 0 });
  const gateway = children.gateway(setting.file);
  const adminUrl = `http://127.0.0.1:${setting.adminPort}`;
  await untilReady(adminUrl, signal);
  const { config } = await fetchStatus(adminUrl);
  const proxyUrl = `http://127.0.0.1:${setting.port}`;
  screen.line(`sluice ${deps.version}   proxy ${proxyUrl}   admin ${adminUrl}`, 'bold');
  screen.line(`config ${setting.file} #${config.hash.slice(0, 8)}`);
  screen.line(`processes: gateway ${gateway.pid}, checkout v1 ${v1.pid}, checkout v2 ${v2.pid}`);
  screen.line(
    `load: ${REQUESTS_PER_SECOND} requests/s of ${USERS} users over loopback, sent on time whatever comes back`,
  );
  screen.line('');
  const load = startLoad({ url: `${proxyUrl}/checkout`, requestsPerSecond: REQUESTS_PER_SECOND, seed: SEED });
  try {
    const missing = await play(stageOf({ setting, adminUrl, document, v2, load }), PACE);
    screen.line('');
    for (const what of missing) screen.line(`missing: ${what}`, 'bad');
    if (!isOnce) await keepServing({ proxyUrl, adminUrl, screen, load, signal });
    return missing.length === 0 ? EXIT.ok : EXIT.failed;
  } finally {
    load.stop();
  }
}

interface Props {
  readonly setting: Setting;
  readonly adminUrl: string;
  readonly document: Omit<DemoDocument, 'canaryPercent'>;
  readonly v2: ServiceChild;
  readonly load: Load;
}

function stageOf({ setting, adminUrl, document, v2, load }: Props): Stage {
  return {
    screen: setting.screen,
    load,
    setCanary: (percent) => saveDocument(setting.file, { ...document, canaryPercent: percent }),
    breakCanary: (failRatio) => v2.order({ failRatio }),
    status: () => fetchStatus(adminUrl),
    decisions: () => fetchDecisions(adminUrl),
    nowMs,
    sleep: (ms) => sleep(ms, undefined, { signal: setting.signal }),
  };
}

async function untilReady(adminUrl: string, signal: AbortSignal): Promise<void> {
  const deadlineMs = nowMs() + READY_MS_MAX;
  let last = 'no answer';
  while (nowMs() < deadlineMs) {
    try {
      const response = await fetch(`${adminUrl}/readyz`, { signal });
      if (response.ok) return;
      last = (await response.text()).trim();
    } catch (error) {
      last = error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new Error(`the gateway was not ready within ${READY_MS_MAX / 1000} s: ${last}`);
}

interface Afterwards {
  readonly proxyUrl: string;
  readonly adminUrl: string;
  readonly screen: Screen;
  readonly load: Load;
  readonly signal: AbortSignal;
}

/** Says what to try and serves on, with a live line, until the signal. */
async function keepServing({ proxyUrl, adminUrl, screen, load, signal }: Afterwards): Promise<void> {
  screen.line('try it yourself, it is still running; q or Ctrl-C ends it', 'bold');
  screen.line(`  curl -i ${proxyUrl}/checkout                    what users get: v1`);
  screen.line(`  curl -i ${proxyUrl}/checkout -H 'x-color: v2'   what a tester gets: v2, still broken`);
  screen.line(`  curl ${adminUrl}/api/v1/status                  routes, versions, weights, verdicts`);
  screen.line(`  curl ${adminUrl}/api/v1/decisions               the rollback with its numbers`);
  while (!signal.aborted) {
    const phase = load.begin();
    await sleep(LIVE_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (!signal.aborted) screen.live(`now: ${versionsText(phase)} requests in the last second, ${latencyText(phase)}`);
  }
  screen.line('');
}
