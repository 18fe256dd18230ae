/**
 * Query parameters that routes ask for, read from a request's target at most once. Hot path.
 *
 * Only parameters that some route names are kept, each with its first value (Gateway API: a repeated parameter is
 * matched by its first). Names and values are decoded as forms are: `+` is a space, `%XX` UTF-8; what is no encoding
 * stays as it is. So the work is one pass over a target whose length is limited, whatever it holds.
 * Source: WHATWG URL, "application/x-www-form-urlencoded parsing"; Gateway API v1 HTTPQueryParamMatch.
 */

export class QueryParameters {
  readonly #ids = new Map<string, number>();
  readonly #values: (string | null)[] = [];
  #target = '';
  #isRead = true;

  /** Id of a parameter to look for, from 0; the same for the same name. For linking. */
  idOf(name: string): number {
    const id = this.#ids.get(name) ?? this.#values.push(null) - 1;
    this.#ids.set(name, id);
    return id;
  }

  /** Begins with a request: path and query as they came. Cost: O(1); reading waits until a value is asked for. */
  start(target: string): void {
    this.#target = target;
    this.#isRead = false;
  }

  /** First value of a parameter in the target, decoded; null without it. */
  value(id: number): string | null {
    if (!this.#isRead) this.#read();
    return this.#values[id] as string | null;
  }

  #read(): void {
    this.#isRead = true;
    this.#values.fill(null);
    const target = this.#target;
    let at = target.indexOf('?');
    if (at < 0) return;
    while (at < target.length) {
      const start = at + 1;
      const next = target.indexOf('&', start);
      at = next < 0 ? target.length : next;
      this.#take(target.slice(start, at));
    }
  }

  #take(pair: string): void {
    const equals = pair.indexOf('=');
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    const id = this.#ids.get(name);
    if (id === undefined || this.#values[id] !== null || pair === '') return;
    this.#values[id] = equals < 0 ? '' : decoded(pair.slice(equals + 1));
  }
}

/** Path and query without every parameter of that name (decoded); the same text when there is none. */
export function withoutParameter(target: string, name: string): string {
  const start = target.indexOf('?');
  if (start < 0) return target;
  const pairs = target.slice(start + 1).split('&');
  const kept = pairs.filter((pair) => decoded(pair.split('=', 1)[0] as string) !== name);
  if (kept.length === pairs.length) return target;
  return kept.length === 0 ? target.slice(0, start) : `${target.slice(0, start)}?${kept.join('&')}`;
}

/** One name or value, decoded. The usual one has nothing to decode. */
function decoded(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text;
  return new URLSearchParams(`x=${text}`).get('x') as string;
}
