import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Preparation } from '#src/compose/config/revisions/preparation.ts';
import { configOf, SOUND } from '../../../../support/config.ts';

const CONFIG = configOf(SOUND);

function rig(waiting: Promise<void> | null) {
  const steps: string[] = [];
  const preparation = new Preparation();
  const open = () => waiting?.then(() => () => void steps.push('released')) ?? null;
  preparation.by(open, () => void steps.push('unwatched'));
  const put = (): string => {
    steps.push('put');
    return 'done';
  };
  return { steps, preparation, put };
}

test('what has nothing to wait for is put in force at once', async () => {
  const { steps, preparation, put } = rig(null);
  const done = preparation.run(CONFIG, put);
  assert.deepEqual(steps, ['put']);
  assert.equal(await done, 'done');
});

test('what waits for endpoints is put in force when they are there, and lets go of them then', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { steps, preparation, put } = rig(promise);
  const done = preparation.run(CONFIG, put, 1_000_000);
  await new Promise(setImmediate);
  assert.deepEqual(steps, []);
  resolve();
  assert.equal(await done, 'done');
  await new Promise(setImmediate);
  assert.deepEqual(steps, ['put', 'released']);
});

test('who waits for an answer does not wait longer, and endpoints are not let go of before they had their time', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { steps, preparation, put } = rig(promise);
  assert.equal(await preparation.run(CONFIG, put, 1), 'done');
  assert.deepEqual(steps, ['put']);
  resolve();
  await new Promise(setImmediate);
  assert.deepEqual(steps, ['put', 'released']);
});

test('what fails lets go all the same', async () => {
  const { steps, preparation } = rig(Promise.resolve());
  const failing = (): never => {
    throw new Error('refused');
  };
  await assert.rejects(preparation.run(CONFIG, failing), /refused/);
  await new Promise(setImmediate);
  assert.deepEqual(steps, ['released']);
  preparation.unwatched();
  assert.deepEqual(steps, ['released', 'unwatched']);
});
