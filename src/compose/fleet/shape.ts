/**
 * Whether a value from outside has the shape of a type: one check for each of its fields.
 */

export type Check = (value: unknown) => boolean;

export const isText: Check = (value) => typeof value === 'string';
/** JSON has no other numbers; NaN and Infinity are written as null. */
export const isNumber: Check = (value) => Number.isFinite(value);
/** 0, 1, 2, … */
export const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
export const isBoolean: Check = (value) => typeof value === 'boolean';

/** An object with these fields, each as its check says, and whatever else. */
export function shaped<T>(fields: { readonly [Field in keyof Required<T>]: Check }): Check {
  const checks = Object.entries<Check>(fields);
  return (value) => {
    if (typeof value !== 'object' || value === null) return false;
    return checks.every(([name, check]) => check((value as Readonly<Record<string, unknown>>)[name]));
  };
}

/** What a check accepts, and null. */
export function orNull(check: Check): Check {
  return (value) => value === null || check(value);
}

/** What a check accepts, or no field at all. */
export function orAbsent(check: Check): Check {
  return (value) => value === undefined || check(value);
}

/** One of these values. */
export function oneOf<T>(...values: readonly T[]): Check {
  return (value) => (values as readonly unknown[]).includes(value);
}

/** A list, empty too, of what a check accepts. */
export function listOf(check: Check): Check {
  return (value) => Array.isArray(value) && value.every(check);
}
