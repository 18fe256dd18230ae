import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FreshStreams } from '#src/proxy/http2/session/fresh.ts';

test('owners are told once of what is kept, in their order, and not of what was reset since', () => {
  const fresh = new FreshStreams();
  const told: string[] = [];
  const streamOf = (name: string, then = (): void => undefined) => ({
    isFresh: false,
    isReset: false,
    owner: {
      arrived: () => {
        told.push(name);
        then();
      },
    },
  });
  const late = streamOf('late');
  const [first, reset, last] = [streamOf('first', () => fresh.add(late)), streamOf('reset'), streamOf('last')];
  for (const one of [first, reset, last, first]) fresh.add(one);
  reset.isReset = true;
  fresh.tellAll();
  assert.deepEqual([told, first.isFresh, late.isFresh], [['first', 'last'], false, true]);
  fresh.tellAll();
  assert.deepEqual([told, late.isFresh], [['first', 'last', 'late'], false]);
});
