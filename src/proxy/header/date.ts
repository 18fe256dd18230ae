/**
 * The `Date` line of this second. Hot path.
 *
 * A clock that formats once per second: answers of the gateway have a date because it is their origin, forwarded
 * responses only where the upstream sent none.
 * Source: RFC 9110 section 6.6.1.
 */

const SECOND_MS = 1000;

export class DateLine {
  readonly #wallTime: () => string;
  #line = '';
  #untilMs = Number.NEGATIVE_INFINITY;

  /** @param wallTime the time of day as an HTTP date. */
  constructor(wallTime: () => string) {
    this.#wallTime = wallTime;
  }

  /** `Date: … CRLF`, at most a second old. @param nowMs on the monotonic clock. */
  at(nowMs: number): string {
    if (nowMs >= this.#untilMs) {
      this.#line = `Date: ${this.#wallTime()}\r\n`;
      this.#untilMs = nowMs + SECOND_MS;
    }
    return this.#line;
  }
}
