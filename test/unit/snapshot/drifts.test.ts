import assert from 'node:assert/strict';
import { it } from 'node:test';
import { compile } from '#src/snapshot/compile.ts';
import { driftsOf } from '#src/snapshot/drifts.ts';
import { NO_IDS } from '#src/snapshot/live.ts';
import { configOf, SOUND, SOUND_ROLLOUT, SOUND_SEVERAL } from '../../support/config.ts';

function driftsIn(text: string) {
  const config = configOf(text);
  const { snapshot } = compile({ config, hash: '', revision: 1, overrides: [], ids: NO_IDS, mayRecycle: () => false });
  return driftsOf(config, snapshot);
}

it('versions of routes with drift are watched, by the cells and dials of the snapshot', () => {
  assert.deepEqual(driftsIn(SOUND_ROLLOUT), []);
  const [v1, v2] = driftsIn(`${SOUND}    slo: {availability: 0.999, drift: {keep: 0.3}}\n`);
  assert.deepEqual([v1?.route, v1?.version, v1?.cell, v1?.dial, v1?.canaryDial], ['shop', 'v1', 1, 1, -1]);
  assert.deepEqual([v2?.version, v2?.drift], ['v2', { keepRatio: 0.3, sampleRatio: 1 }]);
});

it('both sides of a rollout know its canary’s dial', () => {
  const versions = driftsIn(SOUND_ROLLOUT.replace('availability: 0.999', 'availability: 0.999, drift: {}'));
  assert.deepEqual(
    versions.map(({ canaryDial }) => canaryDial),
    [2, 2],
  );
});

it('the two versions of a rollout of several routes are not watched, on any of them', () => {
  const drifting = (text: string) => text.replaceAll(/availability: (0\.9+)/g, 'availability: $1, drift: {}');
  assert.equal(driftsIn(drifting(SOUND_ROLLOUT)).length, 2);
  assert.deepEqual(driftsIn(drifting(SOUND_SEVERAL)), []);
});
