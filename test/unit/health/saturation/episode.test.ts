import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Episode } from '#src/health/saturation/episode.ts';
import { GRADE } from '#src/model/threads/load/saturation.ts';

const COOLDOWN_MS = 1000;

test('an episode begins with shedding, has one profile, and is over when all is normal', () => {
  const episode = new Episode();
  const look = (grade: number, atMs: number) => episode.look(grade, atMs, COOLDOWN_MS);
  assert.equal(look(GRADE.lean, 0), 'none');
  assert.equal(look(GRADE.shedding, 1), 'profile');
  for (const grade of [GRADE.shedding, GRADE.refusing, GRADE.lean, GRADE.shedding])
    assert.equal(look(grade, 5000), 'none');
  assert.equal(look(GRADE.normal, 6000), 'none');
  assert.equal(look(GRADE.shedding, 6001), 'profile');
});

test('the next episode has none before the cool-down is over, however long it lasts', () => {
  const episode = new Episode();
  const look = (grade: number, atMs: number) => episode.look(grade, atMs, COOLDOWN_MS);
  assert.equal(look(GRADE.shedding, 0), 'profile');
  look(GRADE.normal, 10);
  assert.equal(look(GRADE.shedding, 999), 'too-soon');
  assert.equal(look(GRADE.shedding, 5000), 'none');
  look(GRADE.normal, 5001);
  assert.equal(look(GRADE.shedding, 5002), 'profile');
});
