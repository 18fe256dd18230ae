/**
 * Node's own HTTP/1.1 parser (llhttp, strict) as a second opinion on heads and bodies.
 */

import { createRequire } from 'node:module';

/** What is used of the binding; node's types do not know it. */
export interface Parser {
  initialize(kind: number, resource: object, headBytesMax: number, leniency: number): void;
  execute(bytes: Buffer): number | Error;
  /** The stream ended. */
  finish(): Error | undefined;
  [callback: number]: ((...values: never[]) => number | undefined | void) | undefined;
}

interface Binding {
  readonly HTTPParser: (new () => Parser) & Readonly<Record<string, number>>;
}

export const { HTTPParser } = createRequire(import.meta.url)('node:_http_common') as Binding;

/** One of the binding's constants: kinds of message, slots of callbacks, leniency. */
export function parserFlag(name: string): number {
  return HTTPParser[name] as number;
}

const flag = parserFlag;

export type Kind = 'request' | 'response';

/** What llhttp made of some bytes. */
export interface Opinion {
  /** llhttp's code when it refuses, else empty. */
  readonly error: string;
  /** The head is complete. */
  readonly hasHead: boolean;
  /** The message is complete. */
  readonly isDone: boolean;
  readonly target: string;
  readonly status: number;
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  readonly isUpgrade: boolean;
}

/** An opinion while it forms. */
interface Forming {
  error: string;
  hasHead: boolean;
  isDone: boolean;
  target: string;
  status: number;
  body: string;
  isUpgrade: boolean;
  isHead: boolean;
  flat: string[];
}

function unformed(isHead: boolean): Forming {
  return {
    error: '',
    hasHead: false,
    isDone: false,
    target: '',
    status: 0,
    body: '',
    isUpgrade: false,
    isHead,
    flat: [],
  };
}

/** What the one parser is forming; one for all, because making a parser costs more than a head. */
let forming: Forming = unformed(false);
const parser = new HTTPParser();

/** Callbacks belong to the parser and outlive `initialize`. */
parser[flag('kOnHeaders')] = (fields: string[], target: string): void => {
  forming.flat.push(...fields);
  forming.target += target;
};
parser[flag('kOnHeadersComplete')] = (...values: unknown[]): number => {
  const [, , fields, , target, status, , upgrade] = values as [
    number,
    number,
    string[] | undefined,
    number,
    string | undefined,
    number,
    string,
    boolean,
  ];
  if (!forming.hasHead) forming.flat.push(...(fields ?? []));
  forming.hasHead = true;
  forming.target += target ?? '';
  forming.status = status ?? 0;
  forming.isUpgrade = upgrade;
  return forming.isHead ? 1 : 0;
};
parser[flag('kOnBody')] = (part: Buffer): void => {
  forming.body += part.toString('latin1');
};
parser[flag('kOnMessageComplete')] = (): void => {
  forming.isDone = true;
};

/** @param isHead the response answers HEAD: it has no body. */
export function opinionOf(kind: Kind, bytes: Buffer, isHead = false): Opinion {
  forming = unformed(isHead);
  parser.initialize(flag(kind === 'request' ? 'REQUEST' : 'RESPONSE'), {}, 1_048_576, flag('kLenientNone'));
  const result = parser.execute(bytes);
  const { flat, isHead: _, ...opinion } = forming;
  if (typeof result !== 'number') opinion.error = (result as NodeJS.ErrnoException).code ?? result.message;
  const fields = Array.from(
    { length: flat.length / 2 },
    (_pair, i) => [flat[2 * i] as string, flat[2 * i + 1] as string] as const,
  );
  return { ...opinion, fields };
}
