/** JSON escapes controls up to 0x1f; those above, and everything beyond ASCII, are escaped here. @param json of one line */
export function asciiOf(json: string): string {
  return json.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
