import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '#src/lib/random.ts';
import { Draw, Quota } from '#src/proxy/record/draw.ts';
import { bytesPerCall, COUNTED } from '../../../support/proxy/allocation.ts';

const SEED = 20_261_122;

function drawOf(ratio: number): Draw {
  const draw = new Draw(new Random(SEED));
  draw.ratio = ratio;
  return draw;
}

test('a draw of 0 draws nothing, one of 1 everything', () => {
  const [none, all] = [drawOf(0), drawOf(1)];
  for (let n = 0; n < 1000; n++) assert.deepEqual([none.next(), all.next()], [false, true]);
});

test(`a draw draws its share (seed ${SEED})`, () => {
  const draw = drawOf(0.01);
  let drawn = 0;
  for (let n = 0; n < 200_000; n++) if (draw.next()) drawn++;
  // 2000 are expected, with a standard deviation of 44.5.
  assert.ok(Math.abs(drawn - 2000) < 5 * 44.5, String(drawn));
});

test('a ratio that is set again changes nothing, another one counts at once', () => {
  const draw = drawOf(0.5);
  draw.ratio = 0.5;
  draw.ratio = 0;
  assert.equal(draw.ratio, 0);
  for (let n = 0; n < 100; n++) assert.equal(draw.next(), false);
});

test('a quota admits so many in each second', () => {
  const quota = new Quota(3);
  const admitted = (atMs: number) => [1, 2, 3, 4].map(() => quota.admits(atMs));
  assert.deepEqual(admitted(5000), [true, true, true, false]);
  assert.deepEqual(admitted(5999), [false, false, false, false]);
  assert.deepEqual(admitted(6000), [true, true, true, false]);
});

test('what is not drawn allocates nothing', COUNTED, () => {
  const draw = drawOf(0);
  assert.equal(
    bytesPerCall(() => void draw.next()),
    0,
  );
});
