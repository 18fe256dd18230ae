/**
 * What a worker tells of itself besides its counters: how late its event loop is, its heap, what it has open. Hot path.
 *
 * A timer's turn that comes late was kept waiting by the event loop, and so was every request meanwhile. The latest turn
 * since the main thread looked is told; a loop that stands still tells nothing, which the main thread sees by its beats.
 * Cost: five stores each 50 ms; the heap is asked for every fourth of them, about 5 us.
 */

import { getHeapStatistics } from 'node:v8';
import { SWEEP_MS } from '../../lib/deadlines.ts';
import { EVENTS_HEAD } from '../../model/tallies.ts';

/** Turns between two questions for the heap. */
const HEAP_TURNS = 4;
const KIB = 1024;

export class Gauges {
  readonly #head: Int32Array;
  #turnedAtMs = Number.POSITIVE_INFINITY;
  #turns = 0;

  /** @param events of the worker's tallies */
  constructor(events: Int32Array) {
    this.#head = events;
  }

  /** Call it at each sweep. @param connections of clients. @param requests that are under way */
  turn(nowMs: number, connections: number, requests: number): void {
    const head = this.#head;
    const lateMs = Math.max(0, nowMs - this.#turnedAtMs - SWEEP_MS) | 0;
    this.#turnedAtMs = nowMs;
    if (lateMs > Atomics.load(head, EVENTS_HEAD.delayMs)) Atomics.store(head, EVENTS_HEAD.delayMs, lateMs);
    head[EVENTS_HEAD.connections] = connections;
    head[EVENTS_HEAD.requests] = requests;
    if (this.#turns === 0) this.#measureHeap();
    this.#turns = (this.#turns + 1) % HEAP_TURNS;
    Atomics.add(head, EVENTS_HEAD.beats, 1);
  }

  #measureHeap(): void {
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    this.#head[EVENTS_HEAD.heapKiB] = used / KIB;
    this.#head[EVENTS_HEAD.heapLimitKiB] = limit / KIB;
  }
}
