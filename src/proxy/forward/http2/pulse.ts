/**
 * When a connection is asked whether its endpoint is still there, and when that counts as no. Pure: time is an argument.
 *
 * Asked only while streams are under way and nothing has been heard for a while. An endpoint that answers, and says nothing
 * else, is asked again after five minutes at the earliest: more would be taken for abuse by gRPC's servers.
 * Source: RFC 9113 section 6.7; gRPC, "Client-side keepalive" (A8) and its servers' enforcement.
 */

/** How long the answer may take. */
export const ANSWER_MS = 5000;
export const REPEAT_MS = 300_000;
const NEVER = Number.POSITIVE_INFINITY;

export class Pulse {
  readonly #quietMs: number;
  #dueAtMs = NEVER;
  #isAsking = false;

  /** @param quietMs without a word before the endpoint is asked */
  constructor(quietMs: number) {
    this.#quietMs = quietMs;
  }

  /** An answer is awaited: nothing new should be sent there. */
  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** When there is something to do: to ask, or to give up. */
  get dueAtMs(): number {
    return this.#dueAtMs;
  }

  /** A first stream is under way. */
  begin(nowMs: number): void {
    if (!this.#isAsking) this.#dueAtMs = nowMs + this.#quietMs;
  }

  /** None is any more. */
  rest(): void {
    if (!this.#isAsking) this.#dueAtMs = NEVER;
  }

  /** Something of a response came. Cost: a store. */
  heard(nowMs: number): void {
    this.#isAsking = false;
    this.#dueAtMs = nowMs + this.#quietMs;
  }

  /** It is being asked. */
  ask(nowMs: number): void {
    this.#isAsking = true;
    this.#dueAtMs = nowMs + ANSWER_MS;
  }

  answered(nowMs: number): void {
    this.#isAsking = false;
    this.#dueAtMs = nowMs + Math.max(this.#quietMs, REPEAT_MS);
  }

  /** It was asked and did not answer in time. */
  isDead(nowMs: number): boolean {
    return this.#isAsking && nowMs >= this.#dueAtMs;
  }
}
