/**
 * Composition root of the thread that brokers idempotency keys: the broker, a port for each worker, and Redis where it is configured.
 *
 * A thread of its own: the main thread stands still while it compiles a large configuration, and no request waits for that.
 */

import { randomInt } from 'node:crypto';
import type { MessagePort } from 'node:worker_threads';
import { parentPort, workerData } from 'node:worker_threads';
import { Broker } from '../../../fleet/answers/broker.ts';
import { RedisAnswers } from '../../../fleet/redis/answers.ts';
import { type Asking, openAsking } from '../../../fleet/redis/link.ts';
import { nowMs } from '../../../lib/clock.ts';
import type { AnswersConfig, IdempotencyStatus, ToBroker } from '../../../model/threads/answers/idempotency.ts';
import type { FleetConfig } from '../../../model/threads/fleet.ts';

/** How exactly waits end. */
const TICK_MS = 20;
const STATUS_MS = 250;

/** What the thread is told, with its start and later. */
export interface BrokerSetup {
  readonly answers: AnswersConfig;
  /** Null unless the answers are in its Redis. */
  readonly fleet: Pick<FleetConfig, 'name' | 'redis'> | null;
}

export type ToThread =
  | { readonly kind: 'setup'; readonly setup: BrokerSetup }
  | { readonly kind: 'worker'; readonly port: MessagePort };

export type FromThread =
  | { readonly kind: 'status'; readonly status: IdempotencyStatus }
  | { readonly kind: 'changed'; readonly mode: IdempotencyStatus['mode']; readonly because: string };

const main = parentPort;
if (main === null) throw new Error('thread.ts runs as a worker thread only');

const say = (message: FromThread): void => main.postMessage(message);
const first = workerData as BrokerSetup;
const broker = new Broker(first.answers, {
  nowMs,
  changed: (mode, because) => say({ kind: 'changed', mode, because }),
});
/** Another one in every life: what an earlier one has taken ends by itself. */
const owner = [0, 0].map(() => randomInt(2 ** 47).toString(36)).join('');
let link: Asking | null = null;
let inForce = '';
let told = '';

async function setUp(setup: BrokerSetup): Promise<void> {
  const { answers, fleet } = setup;
  if (JSON.stringify(fleet) === inForce) {
    broker.configure(answers, link === null || fleet === null ? null : new RedisAnswers(link, fleet.name, owner));
    return;
  }
  inForce = JSON.stringify(fleet);
  link?.close();
  link = null;
  if (fleet === null) broker.configure(answers, null);
  else {
    // What is wrong with the connection the next question says.
    link = await openAsking(fleet.redis, { name: `sluice-answers-${owner.slice(0, 8)}`, failed: () => undefined });
    broker.configure(answers, new RedisAnswers(link, fleet.name, owner));
  }
}

function join(port: MessagePort): void {
  const client = broker.open((message) => port.postMessage(message));
  port.on('message', (message: ToBroker) => client.handle(message));
  // The worker has ended, or has another port.
  port.on('close', () => client.close());
}

function report(): void {
  const { status } = broker;
  const text = JSON.stringify(status);
  if (text === told) return;
  told = text;
  say({ kind: 'status', status });
}

let settingUp = setUp(first);
main.on('message', (message: ToThread) => {
  if (message.kind === 'setup') settingUp = settingUp.then(() => setUp(message.setup));
  else void settingUp.then(() => join(message.port));
});
setInterval(() => broker.tick(), TICK_MS);
setInterval(report, STATUS_MS);
