/** A hand-over's states on virtual time: every failure leads back, and the state's file has one owner. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  ENDING_MS,
  type HandoverEffect,
  type HandoverEvent,
  type HandoverState,
  NO_HANDOVER,
  turn,
} from '#src/compose/handover/machine.ts';
import { Random } from '#src/lib/random.ts';

const LIMITS = { prepareMs: 30_000, takeMs: 10_000 };
const BEGUN: HandoverEvent = { kind: 'begun', pid: 7 };
const EXITED: HandoverEvent = { kind: 'exited', because: 'it ended with code 1' };
const FAILED: HandoverEvent = { kind: 'failed', because: 'the configuration is bad' };

/** Runs events a second apart. */
function after(...events: readonly HandoverEvent[]): { state: HandoverState; effects: HandoverEffect[] } {
  let state = NO_HANDOVER;
  let nowMs = 0;
  const effects: HandoverEffect[] = [];
  for (const event of events) {
    const turned = turn(state, event, nowMs, LIMITS);
    state = turned.state;
    effects.push(...turned.effects);
    nowMs += 1000;
  }
  return { state, effects };
}

const PREPARED: HandoverEvent = { kind: 'prepared' };
const SAVED: HandoverEvent = { kind: 'saved' };
const DUE: HandoverEvent = { kind: 'due' };
const STOPPED: HandoverEvent = { kind: 'stopped', because: 'this process was told to end' };
const CRIPPLED: HandoverEvent = { kind: 'crippled', because: 'worker 1 died' };

describe('a hand-over', () => {
  it('goes from the start of the successor to leaving', () => {
    const { state, effects } = after(BEGUN, PREPARED, SAVED, { kind: 'serving' });
    assert.deepEqual(state, { kind: 'left', pid: 7 });
    assert.deepEqual(effects, ['save', 'give', 'leave']);
  });

  it('gives each phase its time', () => {
    assert.equal((after(BEGUN).state as { dueAtMs: number }).dueAtMs, LIMITS.prepareMs);
    assert.equal((after(BEGUN, PREPARED).state as { dueAtMs: number }).dueAtMs, 1000 + LIMITS.takeMs);
    const taking = after(BEGUN, PREPARED, SAVED).state as { dueAtMs: number };
    assert.equal(taking.dueAtMs, 1000 + LIMITS.takeMs, 'saving is part of the time in which nothing is decided');
  });

  it('that fails before anything was saved only has to end the successor', () => {
    const ending = after(BEGUN, FAILED);
    assert.deepEqual(ending.effects, ['kill']);
    const { state, effects } = after(BEGUN, FAILED, EXITED);
    assert.deepEqual(state, { kind: 'idle', because: 'the configuration is bad' });
    assert.deepEqual(effects, ['kill', 'tell']);
  });

  it('whose successor ends by itself is over at once', () => {
    const { state, effects } = after(BEGUN, EXITED);
    assert.deepEqual(state, { kind: 'idle', because: 'it ended with code 1' });
    assert.deepEqual(effects, ['tell']);
  });

  it('whose successor ends while the state is being written goes on when it is written', () => {
    assert.deepEqual(after(BEGUN, PREPARED, EXITED).effects, ['save']);
    const { state, effects } = after(BEGUN, PREPARED, EXITED, SAVED, { kind: 'resumed' });
    assert.deepEqual(state, { kind: 'idle', because: 'it ended with code 1' });
    assert.deepEqual(effects, ['save', 'resume', 'tell']);
  });

  it('opens the state again only when the successor is gone', () => {
    const killed = after(BEGUN, PREPARED, SAVED, DUE);
    assert.deepEqual(killed.effects, ['save', 'give', 'kill']);
    const late = after(BEGUN, PREPARED, SAVED, DUE, { kind: 'serving' });
    assert.equal(late.state.kind, 'ending', 'what it says after its time has no effect');
    const gone = after(BEGUN, PREPARED, SAVED, DUE, EXITED);
    assert.deepEqual(gone.effects, ['save', 'give', 'kill', 'resume']);
    assert.deepEqual(gone.state, { kind: 'resuming', because: 'it did not take over within 10 s' });
  });

  it('is called off by what ends or cripples this process, and once the successor may accept passed on to it, or nothing', () => {
    for (const event of [STOPPED, CRIPPLED]) {
      assert.deepEqual(after(BEGUN, event).effects, ['kill']);
      assert.deepEqual(after(BEGUN, PREPARED, event).effects, ['save', 'kill']);
    }
    assert.deepEqual(after(BEGUN, PREPARED, SAVED, CRIPPLED).effects, ['save', 'give']);
    assert.deepEqual(after(BEGUN, PREPARED, SAVED, STOPPED, STOPPED).effects, ['save', 'give', 'end']);
    const left = after(BEGUN, PREPARED, SAVED, STOPPED, { kind: 'serving' });
    assert.deepEqual([left.state.kind, left.effects.at(-1)], ['left', 'leave']);
    const late = after(BEGUN, PREPARED, SAVED, STOPPED, DUE);
    assert.deepEqual([late.state.kind, late.effects.at(-1)], ['ending', 'kill']);
  });

  it('does not wait for ever for a process that cannot be killed', () => {
    const { state } = after(BEGUN, DUE);
    assert.deepEqual(state, {
      kind: 'ending',
      pid: 7,
      dueAtMs: 1000 + ENDING_MS,
      because: 'it could not serve within 30 s',
      isGone: false,
      file: 'open',
    });
    assert.equal(after(BEGUN, DUE, DUE).state.kind, 'idle');
  });

  it('is one at a time, and may be tried again', () => {
    assert.equal(after(BEGUN, { kind: 'begun', pid: 8 }).state.kind, 'preparing');
    assert.deepEqual(after(BEGUN, EXITED, { kind: 'begun', pid: 8 }).state, {
      kind: 'preparing',
      pid: 8,
      dueAtMs: 2000 + LIMITS.prepareMs,
    });
  });

  it('in any order of events saves before it gives, resumes what it saved, and leaves or tells once', (t) => {
    const seed = 20_261_121;
    t.diagnostic(`seed ${seed}`);
    const random = new Random(seed);
    const kinds: readonly HandoverEvent[] = [
      ...[BEGUN, PREPARED, SAVED, DUE, EXITED, FAILED, STOPPED, CRIPPLED],
      { kind: 'serving' },
    ];
    for (let run = 0; run < 2000; run++) {
      let state = NO_HANDOVER;
      let isSaving = false;
      const effects: HandoverEffect[] = [];
      for (let n = 0; n < 20; n++) {
        const event = kinds[Math.floor(random.nextFloat() * kinds.length)] as HandoverEvent;
        // Nobody says `saved` or `resumed` who was not asked to.
        const said: HandoverEvent = state.kind === 'resuming' ? { kind: 'resumed' } : event;
        if (said.kind === 'saved' && !isSaving) continue;
        const turned = turn(state, said, n, LIMITS);
        state = turned.state;
        effects.push(...turned.effects);
        if (said.kind === 'saved') isSaving = false;
        if (turned.effects.includes('save')) isSaving = true;
      }
      checkOrder(effects);
    }
  });
});

function checkOrder(effects: readonly HandoverEffect[]): void {
  let isOurs = true;
  let isSaved = false;
  for (const effect of effects) {
    if (effect === 'save') {
      assert.ok(isOurs, effects.join(' '));
      isOurs = false;
    }
    if (effect === 'give') isSaved = true;
    if (effect === 'resume') isOurs = true;
    if (effect === 'leave') assert.ok(isSaved && !isOurs, effects.join(' '));
    if (effect !== 'tell') continue;
    assert.ok(isOurs, effects.join(' '));
    isSaved = false;
  }
}
