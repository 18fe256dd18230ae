/**
 * How the streams of a session ended that are not open any more: the last of them.
 *
 * Frames that were on their way when the gateway reset a stream are not the client's fault; others are. Of streams that were
 * reset more is kept than of those that ended, which nobody should say anything about again.
 * Source: RFC 9113 section 5.1, "closed".
 */

const RESET_MAX = 256;
const ENDED_MAX = 16;

/** `ours` and `peers`: who reset it. `ended`: both sides did. `forgotten`: long ago, or it never was. */
export type Closed = 'ours' | 'peers' | 'ended' | 'forgotten';

export class ClosedStreams {
  /** Numbers of streams; of those that the peer reset, below zero. There from the first reset on. */
  #reset: Int32Array | null = null;
  #resets = 0;
  readonly #ended = new Int32Array(ENDED_MAX);
  #ends = 0;

  /** Both sides have sent everything. */
  ended(id: number): void {
    this.#ended[this.#ends++ % ENDED_MAX] = id;
  }

  reset(id: number, isOurs: boolean): void {
    this.#reset ??= new Int32Array(RESET_MAX);
    this.#reset[this.#resets++ % RESET_MAX] = isOurs ? id : -id;
  }

  /** @param id of a stream that is neither open nor still to come */
  howOf(id: number): Closed {
    if (this.#reset !== null) {
      if (this.#reset.includes(id)) return 'ours';
      if (this.#reset.includes(-id)) return 'peers';
    }
    return this.#ended.includes(id) ? 'ended' : 'forgotten';
  }
}
