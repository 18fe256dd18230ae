/**
 * The difference between two lists as a few steps, so that what stayed need not be copied between threads.
 *
 * ```
 * before  a b c d e        keep 2, drop 1, add [x], keep 2
 * after   a b x d e
 * ```
 * Items are the same when they are one object. What moved towards the front is dropped and added again: the steps are
 * always right, and few as long as the order stays.
 */

/** One step through the list before: take over, leave out, or put in. */
export type Edit<T> = { readonly keep: number } | { readonly drop: number } | { readonly add: readonly T[] };

/** Of lists of one length: so many different places are as many items that were replaced. */
const REPLACED_MAX = 64;

/**
 * Steps from `before` to `after`. Cost: O(length) comparisons; where items came or went, or many were replaced, a map of what is between
 * the common ends.
 */
export function editsOf<T>(before: readonly T[], after: readonly T[]): Edit<T>[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  const steps = new Steps<T>();
  steps.keep(head);
  if (isReplaced(before, after, { head, tail })) replaced(before, after, { head, tail }, steps);
  else between(before, after, { head, tail }, steps);
  steps.keep(tail);
  return steps.all;
}

/** The list that `edits` lead to; `before` itself where they change nothing. @throws Error when they were not made for `before` */
export function applyEdits<T>(before: readonly T[], edits: readonly Edit<T>[]): readonly T[] {
  const [first] = edits;
  if (edits.length === 1 && first !== undefined && 'keep' in first && first.keep === before.length) return before;
  const after: T[] = [];
  let at = 0;
  for (const edit of edits) {
    if ('add' in edit) {
      for (const item of edit.add) after.push(item);
    } else if ('drop' in edit) at += edit.drop;
    else for (const end = at + edit.keep; at < end; at++) after.push(before[at] as T);
  }
  if (at !== before.length) throw new Error(`edits for a list of ${at} items, not of ${before.length}`);
  return after;
}

/** Lengths of what two lists have in common. */
interface Ends {
  readonly head: number;
  readonly tail: number;
}

/** Whether the lists are of one length, and differ in few places. */
function isReplaced<T>(before: readonly T[], after: readonly T[], { head, tail }: Ends): boolean {
  if (before.length !== after.length) return false;
  let count = 0;
  for (let at = head; at < before.length - tail; at++) {
    if (before[at] !== after[at] && ++count > REPLACED_MAX) return false;
  }
  return true;
}

function replaced<T>(before: readonly T[], after: readonly T[], { head, tail }: Ends, steps: Steps<T>): void {
  const end = before.length - tail;
  for (let at = head; at < end; ) {
    const from = at;
    for (; at < end && before[at] !== after[at]; at++) steps.add(after[at] as T);
    steps.drop(at - from);
    const same = at;
    while (at < end && before[at] === after[at]) at += 1;
    steps.keep(at - same);
  }
}

function between<T>(before: readonly T[], after: readonly T[], { head, tail }: Ends, steps: Steps<T>): void {
  const beforeEnd = before.length - tail;
  const afterEnd = after.length - tail;
  const places = new Map<T, number>();
  if (afterEnd > head) for (let at = head; at < beforeEnd; at++) places.set(before[at] as T, at);
  let cursor = head;
  for (let n = head; n < afterEnd; n++) {
    const item = after[n] as T;
    const place = places.get(item);
    if (place === undefined || place < cursor) steps.add(item);
    else {
      steps.drop(place - cursor);
      steps.keep(1);
      cursor = place + 1;
    }
  }
  steps.drop(beforeEnd - cursor);
}

/** Joins neighbors of a kind. */
class Steps<T> {
  readonly all: Edit<T>[] = [];
  #last: 'keep' | 'drop' | 'add' | null = null;

  keep(count: number): void {
    this.#count('keep', count);
  }

  drop(count: number): void {
    this.#count('drop', count);
  }

  add(item: T): void {
    if (this.#last === 'add') (this.all.at(-1) as { add: T[] }).add.push(item);
    else this.all.push({ add: [item] });
    this.#last = 'add';
  }

  #count(kind: 'keep' | 'drop', count: number): void {
    if (count === 0) return;
    const last = (this.#last === kind ? this.all.pop() : undefined) as { keep?: number; drop?: number } | undefined;
    const sum = count + (last?.[kind] ?? 0);
    this.all.push(kind === 'keep' ? { keep: sum } : { drop: sum });
    this.#last = kind;
  }
}
