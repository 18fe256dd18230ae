/**
 * The member of W3C `baggage` that names a color: read, taken out, and set to the color that pinned a version.
 *
 * All other members go on as they came, in their order, with their properties.
 * Source: W3C Baggage (Propagation format), sections 3.2.1 and 3.3.
 */

/** Value of the first member of that key, its ASCII escapes decoded; null without one. Properties do not count. */
export function readMember(baggage: string, key: string): string | null {
  for (const member of baggage.split(',')) {
    if (keyOf(member) === key) return decoded(valueOf(member));
  }
  return null;
}

/** The members without those of that key; empty when none is left, the same text when there was none. */
export function withoutMember(baggage: string, key: string): string {
  const members = baggage.split(',');
  const kept = members.filter((member) => keyOf(member) !== key);
  return kept.length === members.length ? baggage : kept.map((member) => member.trim()).join(',');
}

/** The members with exactly one of that key, at the end if it has to be written. @param color a token */
export function withMember(baggage: string, key: string, color: string): string {
  const member = `${key}=${color.replaceAll('%', '%25')}`;
  const present = baggage.split(',').filter((each) => keyOf(each) === key);
  if (present.length === 1 && (present[0] as string).trim() === member) return baggage;
  const others = withoutMember(baggage, key).trim();
  return others === '' ? member : `${others},${member}`;
}

function keyOf(member: string): string {
  const equals = member.indexOf('=');
  return equals < 0 ? '' : member.slice(0, equals).trim();
}

/** What stands between `=` and the first property. */
function valueOf(member: string): string {
  const value = member.slice(member.indexOf('=') + 1);
  const properties = value.indexOf(';');
  return (properties < 0 ? value : value.slice(0, properties)).trim();
}

/** Colors are ASCII tokens: what else is escaped cannot be one, and stays as it is. */
function decoded(value: string): string {
  if (!value.includes('%')) return value;
  return value.replace(/%([0-7][0-9A-Fa-f])/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}
