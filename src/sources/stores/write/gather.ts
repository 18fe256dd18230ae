/**
 * Puts questions that are asked in one turn of the event loop into one: of many locks that are asked for side by side, the store
 * hears once.
 */

/** A question that waits to be asked. */
interface Waiting<Question, Answer> {
  readonly question: Question;
  readonly signal: AbortSignal;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

export class Gatherer<Question, Answer> {
  readonly #ask: (questions: readonly Question[], signal: AbortSignal) => Promise<readonly Answer[]>;
  readonly #max: number;
  #waiting: Waiting<Question, Answer>[] = [];

  /**
   * @param ask answers in the order of the questions
   * @param max questions that are asked at once
   */
  constructor(ask: (questions: readonly Question[], signal: AbortSignal) => Promise<readonly Answer[]>, max: number) {
    this.#ask = ask;
    this.#max = max;
  }

  /** Asks with all that are asked in this turn; whose time ends first is the one whose time counts. */
  ask(question: Question, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#flush());
      this.#waiting.push({ question, signal, resolve, reject });
    });
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < waiting.length; at += this.#max) void this.#send(waiting.slice(at, at + this.#max));
  }

  async #send(some: readonly Waiting<Question, Answer>[]): Promise<void> {
    try {
      const [first] = some as [Waiting<Question, Answer>];
      const answers = await this.#ask(
        some.map(({ question }) => question),
        first.signal,
      );
      if (answers.length !== some.length) throw new Error(`${answers.length} answers to ${some.length} questions`);
      for (const [n, { resolve }] of some.entries()) resolve(answers[n] as Answer);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }
}
