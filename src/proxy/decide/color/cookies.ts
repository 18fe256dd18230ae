/**
 * The cookie that names a color: read, and taken out of what strangers send.
 *
 * Both cut the field in the same way, at each `;`, so that what was taken out cannot be read any more.
 * Source: RFC 6265 section 5.4.
 */

/** First value of a cookie, without white space around it; null without one. Cost: O(length), strings of what it cuts. */
export function readCookie(cookies: string, name: string): string | null {
  for (const pair of cookies.split(';')) {
    const equals = pair.indexOf('=');
    if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return null;
}

/** The cookies without every one of that name; the same text when there is none. */
export function withoutCookie(cookies: string, name: string): string {
  const pairs = cookies.split(';');
  const kept = pairs.filter((pair) => pair.split('=', 1)[0]?.trim() !== name);
  return kept.length === pairs.length ? cookies : kept.map((pair) => pair.trim()).join('; ');
}
