/**
 * Names of resources for other tools: RFC 1123 labels of at most 63 characters, distinct where the names they stand for are.
 */

const LENGTH_MAX = 63;
/** Room for `-` and a number that keeps two names apart. */
const STEM_MAX = 57;

/** Gives each of `names` its resource name; the same for the same list. */
export function resourceNames(names: readonly string[]): (name: string) => string {
  const taken = new Map<string, string>();
  const used = new Set<string>();
  for (const name of names) {
    if (taken.has(name)) continue;
    const plain = labelOf(name, LENGTH_MAX);
    let label = plain;
    for (let n = 2; used.has(label); n++) label = `${labelOf(name, STEM_MAX)}-${n}`;
    used.add(label);
    taken.set(name, label);
  }
  return (name) => taken.get(name) ?? labelOf(name, LENGTH_MAX);
}

function labelOf(name: string, lengthMax: number): string {
  const label = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, lengthMax)
    .replaceAll(/^-+|-+$/g, '');
  return label === '' ? 'slo' : label;
}
