/**
 * What an error is and where it came up, without a word of its message: that one may quote whatever the program was reading, a
 * password in a URL, a header's value or a line of a key file, and nobody can tell which words of it are secret.
 *
 * Name, code and stack are fields that anybody may have written, so each is told only in the form that runtimes and libraries give
 * it. What somebody put into one of them in just that form would be told.
 */

/** `TypeError`, `AbortError`, `SQLException`. */
const NAME = /^(?:[A-Z][A-Za-z]{0,40})?(?:Error|Exception)$/;
/** `ENOSPC`, `SLU1925`, `ERR_HTTP2_INVALID_STREAM`: of one word those of the system and of this program alone, as a key may be one. */
const CODE = /^(?:E[A-Z0-9]{2,15}|SLU\d{4}|(?=.{3,64}$)[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)$/;
/**
 * A frame with a place in a source file or in the runtime, and that one without its folders: `    at look (file:///app/score.ts:12:7)`.
 * Cost: linear in the line, as no part of a path has a space or a bracket.
 */
const FRAME =
  /^ {4}at (?:.* \(|async )?(?:(?:file:\/\/)?\/(?:[^\s()]*\/)?([\w.-]{1,80}\.[cm]?[jt]s:\d{1,7}:\d{1,7})|(node:[\w/]{1,60}:\d{1,7}:\d{1,7}))\)?$/;
/** Characters of the stack behind the message that are looked at. */
export const FRAMES_LENGTH_MAX = 4096;

/** `TypeError at score.ts:12:7`, `Error ENOSPC at write.ts:3:1`, `a thrown string`; without the place where the stack has none. */
export function errorKind(error: unknown): string {
  if (!(error instanceof Error)) return `a thrown ${typeof error}`;
  const { code } = error as NodeJS.ErrnoException;
  const name = NAME.test(error.name) ? error.name : 'Error';
  const coded = typeof code === 'string' && CODE.test(code) ? `${name} ${code}` : name;
  for (const line of framesOf(error)) {
    const [frame, inFile, inRuntime] = FRAME.exec(line) ?? [];
    if (frame !== undefined) return `${coded} at ${inFile ?? inRuntime}`;
  }
  return coded;
}

/** The lines behind that where the message ends; none where the message is not in the stack, so that it could be taken for a frame. */
function framesOf({ message, stack }: Error): string[] {
  const at = typeof stack === 'string' ? stack.indexOf(message) : -1;
  if (at < 0) return [];
  const behind = at + message.length;
  return (stack as string)
    .slice(behind, behind + FRAMES_LENGTH_MAX)
    .split('\n')
    .slice(1);
}
