/**
 * Replaces environment variables in the text of one scalar.
 *
 * ```
 * ${NAME}            the variable; a problem when it is not set
 * ${NAME:-default}   the default when it is not set or empty; the default ends at the first `}`
 * $${                the text `${`
 * ```
 * What a variable holds is text only: it is never read as YAML structure and never expanded again. A plain (unquoted)
 * scalar is typed after the replacement, so `port: ${PORT}` is a number; a quoted one stays text.
 * A document from a store is read without an environment: whoever may write there could otherwise have the secrets of the
 * gateway's environment sent to a server of his own. A variable in it is a fault; `$${` is the text `${` there too.
 * Source: the parameter expansion of POSIX sh (XCU 2.6.2), of which these are two forms.
 */

import { type Fault, quote } from '../problems/fault.ts';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The text with its variables replaced; where there are faults the variable is left as it stands. */
export interface Expansion {
  readonly text: string;
  readonly faults: readonly Fault[];
}

const VARIABLE = /\$\$\{|\$\{([^}]*)(\}?)/g;
const FORM = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([^]*))?$/;

/** Expands every variable of `text`; `environment` null: there are none to have. Text without `${` comes back as it is. */
export function expandVariables(text: string, environment: Environment | null): Expansion {
  if (!text.includes('${')) return { text, faults: [] };
  const faults: Fault[] = [];
  const expanded = text.replace(VARIABLE, (whole: string, inside: string | undefined, end: string | undefined) => {
    if (inside === undefined) return '${';
    const form = end === '}' ? FORM.exec(inside) : null;
    if (form === null) {
      faults.push(malformed(whole));
      return whole;
    }
    if (environment === null) {
      faults.push(foreign(whole));
      return whole;
    }
    const value = valueOf(form[1] as string, form[2], environment);
    if (value === undefined) faults.push(unset(form[1] as string));
    return value ?? whole;
  });
  return { text: expanded, faults };
}

function valueOf(name: string, fallback: string | undefined, environment: Environment): string | undefined {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
  if (fallback === undefined) return value;
  return value === undefined || value === '' ? fallback : value;
}

function malformed(whole: string): Fault {
  const hint = 'write $${ for the text ${';
  return { kind: 'variableForm', expected: '${NAME} or ${NAME:-default}', got: quote(whole), hint };
}

function foreign(whole: string): Fault {
  const hint = 'variables are replaced in files of the gateway’s own machine only; write $${ for the text ${';
  return { kind: 'variableForeign', expected: 'no variable in a document from a store', got: quote(whole), hint };
}

function unset(name: string): Fault {
  const hint = `set it, or give a default: \${${name}:-value}`;
  return { kind: 'variableUnset', expected: `the environment variable ${name} to be set`, got: 'an unset one', hint };
}

const NULL = /^(?:|~|null|Null|NULL)$/;
const TRUE = /^(?:true|True|TRUE)$/;
const FALSE = /^(?:false|False|FALSE)$/;
const NUMBER = /^(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|0x[0-9a-fA-F]+|0o[0-7]+)$/;

/** Types the text of a plain scalar as YAML's core schema does (YAML 1.2.2 section 10.3.2, without .inf and .nan). */
export function typePlain(text: string): string | number | boolean | null {
  if (NULL.test(text)) return null;
  if (TRUE.test(text)) return true;
  if (FALSE.test(text)) return false;
  return NUMBER.test(text) ? Number(text) : text;
}
