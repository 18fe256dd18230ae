/**
 * Node's own HTTP/1.1 parser (llhttp, strict) as a second opinion on heads and bodies.
 */

import { createRequire } from 'node:module';

/** What is used of the binding; node's types do not know it. */
interface Parser {
  initialize(kind: number, resource: object, headBytesMax: number, leniency: number): void;
  execute(bytes: Buffer): number | Error;
  [callback: number]: ((...values: never[]) => number | undefined | void) | undefined;
}

interface Binding {
  readonly HTTPParser: (new () => Parser) & Readonly<Record<string, number>>;
}

const { HTTPParser } = createRequire(import.meta.url)('node:_http_common') as Binding;
const flag = (name: string): number => HTTPParser[name] as number;

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

/** @param isHead the response answers HEAD: it has no body. */
export function opinionOf(kind: Kind, bytes: Buffer, isHead = false): Opinion {
  const parser = new HTTPParser();
  const flat: string[] = [];
  const opinion = { error: '', hasHead: false, isDone: false, target: '', status: 0, body: '', isUpgrade: false };
  parser.initialize(flag(kind === 'request' ? 'REQUEST' : 'RESPONSE'), {}, 1_048_576, flag('kLenientNone'));
  parser[flag('kOnHeaders')] = (fields: string[], target: string): void => {
    flat.push(...fields);
    opinion.target += target;
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
    if (!opinion.hasHead) flat.push(...(fields ?? []));
    Object.assign(opinion, {
      hasHead: true,
      target: opinion.target + (target ?? ''),
      status: status ?? 0,
      isUpgrade: upgrade,
    });
    return isHead ? 1 : 0;
  };
  parser[flag('kOnBody')] = (part: Buffer): void => {
    opinion.body += part.toString('latin1');
  };
  parser[flag('kOnMessageComplete')] = (): void => {
    opinion.isDone = true;
  };
  const result = parser.execute(bytes);
  if (typeof result !== 'number') opinion.error = (result as NodeJS.ErrnoException).code ?? result.message;
  const fields = Array.from(
    { length: flat.length / 2 },
    (_, i) => [flat[2 * i] as string, flat[2 * i + 1] as string] as const,
  );
  return { ...opinion, fields };
}
