/**
 * What an error is and where it came up, without a word of its message: that one may quote whatever the program was reading, a
 * password in a URL, a header's value or a line of a key file, and nobody can tell which words of it are secret.
 */

/** As the runtime and libraries name classes and codes; anything else could be a text of somebody's. */
const CLASS = /^[A-Za-z]\w{0,63}$/;
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/;
/** The first frame that has a place, without its folders: `    at look (file:///app/src/slo/score.ts:12:7)`. */
const FRAME = /^ +at .*?([^\s()/\\]+:\d+:\d+)\)?$/m;

/** `TypeError at score.ts:12:7`, `Error ENOSPC at write.ts:3:1`, `a thrown string`; without the place where the stack has none. */
export function errorKind(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const { code } = error as NodeJS.ErrnoException;
  const name = CLASS.test(error.name) ? error.name : 'Error';
  const coded = typeof code === 'string' && CODE.test(code) ? `${name} ${code}` : name;
  const place = FRAME.exec(framesOf(error))?.[1];
  return place === undefined ? coded : `${coded} at ${place}`;
}

/** The stack behind the message; empty where the message is not found in it, so that it could be taken for a frame. */
function framesOf({ message, stack }: Error): string {
  const at = typeof stack === 'string' ? stack.indexOf(message) : -1;
  return at < 0 ? '' : (stack as string).slice(at + message.length);
}
