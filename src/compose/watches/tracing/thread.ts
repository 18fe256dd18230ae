/**
 * Composition root of the thread that exports spans: what waits, a port for each worker, and the collector.
 *
 * A thread of its own: making and packing spans takes as long as it takes, and neither a request nor the control loop waits
 * for that. The exporter's packages are loaded here and nowhere else.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { MessagePort } from 'node:worker_threads';
import { parentPort, workerData } from 'node:worker_threads';
import { Collector } from '../../../export/requests/collector.ts';
import { Outbox } from '../../../export/requests/outbox.ts';
import { bothClocks, nowMs } from '../../../lib/clock.ts';
import { secretBytes } from '../../../lib/random.ts';
import type { SecretOrigin } from '../../../model/threads/color.ts';
import type {
  DecisionNote,
  TraceBatch,
  TracingConfig,
  TracingStatus,
} from '../../../model/threads/requests/tracing.ts';
import { DISK } from '../../../sources/disk.ts';

/** What waits is handed over so often. */
const TURN_MS = 500;
const STATUS_MS = 250;
/** A decision waits for what workers have to say of the requests that led to it, at most so long. */
const DECISION_MS = 3000;
const DECISION_LOOK_MS = 100;
/** What workers sent last is here by then. */
const PORTS_MS = 500;

/** What the thread is told, with its start and later. */
export interface TracingSetup {
  readonly tracing: TracingConfig;
  readonly release: string;
  /** The variables that headers are read from. */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export type ToTracing =
  | { readonly kind: 'setup'; readonly setup: TracingSetup }
  | { readonly kind: 'worker'; readonly port: MessagePort }
  | { readonly kind: 'decision'; readonly note: DecisionNote }
  /** Hand over what there is, within `flushMs`, and say `closed`. */
  | { readonly kind: 'close'; readonly flushMs: number };

export type FromTracing =
  | { readonly kind: 'status'; readonly status: TracingStatus }
  /** Whether the collector takes what it is sent is another thing than before. */
  | { readonly kind: 'changed'; readonly because: string }
  /** Nothing more is handed over: the thread can be ended, whatever is still under way. */
  | { readonly kind: 'closed' };

const main = parentPort;
if (main === null) throw new Error('thread.ts runs as a worker thread only');

const say = (message: FromTracing): void => main.postMessage(message);
let { tracing, release, environment } = workerData as TracingSetup;
/** Tells this process from others. */
const instance = hexOf(16);
let collector = open();
const ports = new Set<MessagePort>();
const held = new Map<DecisionNote, number>();
let because = '';
let told = '';

const outbox = new Outbox({
  send: (spans) => collector.send(spans),
  offsetMs: () => {
    const clocks = bothClocks();
    return clocks.wallMs - clocks.nowMs;
  },
  newRef: () => ({ traceId: hexOf(16), spanId: hexOf(8) }),
  queueMax: tracing.queueMax,
});

function hexOf(bytes: number): string {
  return Buffer.from(secretBytes(bytes)).toString('hex');
}

function open(): Collector {
  return new Collector({ ...tracing, release, instance, headers: readHeaders });
}

/** Asked anew for each batch, so that a secret may be changed. @throws Error that names no secret */
async function readHeaders(): Promise<Record<string, string>> {
  const read = tracing.headers.map(async ({ name, from }) => [name, await readValue(name, from)] as const);
  return Object.fromEntries(await Promise.all(read));
}

async function readValue(name: string, from: SecretOrigin): Promise<string> {
  const text = from.kind === 'file' ? await DISK.readText(from.path) : (environment[from.name] ?? '');
  const value = text.trim();
  if (/^[\t -~]+$/.test(value)) return value;
  const place = from.kind === 'file' ? from.path : `$${from.name}`;
  throw new Error(`the value of the header ${name} in ${place} is ${value === '' ? 'empty' : 'no header value'}`);
}

function setUp(setup: TracingSetup): void {
  ({ tracing, release, environment } = setup);
  const before = collector;
  collector = open();
  outbox.queueMax = tracing.queueMax;
  void before.close();
}

function join(port: MessagePort): void {
  ports.add(port);
  port.on('message', (batch: TraceBatch) => {
    outbox.take(batch);
    port.postMessage(null);
  });
  // The worker has ended, or has another port.
  port.on('close', () => ports.delete(port));
}

/** Lets decisions go whose requests are known, or that have waited long enough; at the end all of them. */
function letGo(isEnd: boolean): void {
  for (const [note, untilMs] of held) {
    if (!isEnd && nowMs() < untilMs && !outbox.knows(note.requestIds)) continue;
    held.delete(note);
    outbox.decided(note);
  }
}

function report(): void {
  const status: TracingStatus = { endpoint: tracing.endpoint, ...outbox.state };
  if (status.because !== because) {
    because = status.because;
    say({ kind: 'changed', because });
  }
  const text = JSON.stringify(status);
  if (text === told) return;
  told = text;
  say({ kind: 'status', status });
}

async function close(flushMs: number): Promise<void> {
  const untilMs = nowMs() + PORTS_MS;
  while (ports.size > 0 && nowMs() < untilMs) await sleep(10);
  letGo(true);
  await Promise.race([outbox.flush(), sleep(flushMs)]);
  report();
  say({ kind: 'closed' });
}

main.on('message', (message: ToTracing) => {
  switch (message.kind) {
    case 'setup':
      setUp(message.setup);
      return;
    case 'worker':
      join(message.port);
      return;
    case 'decision':
      held.set(message.note, nowMs() + DECISION_MS);
      return;
    case 'close':
      void close(message.flushMs);
      return;
    default:
      message satisfies never;
  }
});
setInterval(() => outbox.turn(), TURN_MS);
setInterval(report, STATUS_MS);
setInterval(() => letGo(false), DECISION_LOOK_MS);
report();
