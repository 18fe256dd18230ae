/**
 * Reads server-sent events of an answer.
 *
 * Lines end in LF, CR or CRLF; an event ends at an empty line; a comment keeps the connection alive. What a server may send without
 * the end of an event is bounded.
 * Source: HTML Standard, "Server-sent events", parsing an event stream.
 */

/** One event; `name` is `message` where it has none. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** Longest event in characters. */
const EVENT_CHARS_MAX = 16 * 1_048_576;

/** Every event of a stream of bytes, until it ends. @throws Error an event that is too long, and what the stream throws */
export async function* eventsIn(stream: AsyncIterable<Uint8Array>): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let rest = '';
  let event = emptyDraft();
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') take(event, line);
      else {
        if (event.data.length > 0) yield { name: event.name || 'message', data: event.data.join('\n') };
        event = emptyDraft();
      }
    }
    const chars = rest.length + event.chars;
    if (chars > EVENT_CHARS_MAX) throw new Error(`an event has more than ${EVENT_CHARS_MAX} characters`);
  }
}

interface Draft {
  name: string;
  data: string[];
  chars: number;
}

function emptyDraft(): Draft {
  return { name: '', data: [], chars: 0 };
}

function take(event: Draft, line: string): void {
  const colon = line.indexOf(':');
  const field = colon === -1 ? line : line.slice(0, colon);
  const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
  event.chars += line.length;
  if (field === 'event') event.name = value;
  if (field === 'data') event.data.push(value);
}
