/**
 * The log: one JSON object per line on stderr, `{"level","time","event",...fields}`.
 *
 * A thin wrapper over pino that adds three promises: a secret under a telling name is never written, a field can never
 * break a line (JSON escapes controls), and no failure of the stream ends or blocks the process (`lib/sink.ts`).
 */

import { pino } from 'pino';
import { type LineSink, openSink, type SinkLosses } from './sink.ts';

/** From most to least talkative. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export type LogFields = Readonly<Record<string, unknown>>;
/** `event` is a constant name in snake case, `config_accepted`; what varies goes into the fields. */
export type LogCall = (event: string, fields?: LogFields) => void;

export interface Log {
  readonly debug: LogCall;
  readonly info: LogCall;
  readonly warn: LogCall;
  readonly error: LogCall;
  /** Lines and writes lost since the start. */
  losses(): SinkLosses;
  /** Resolves when everything is written, at the latest after `timeoutMs`. */
  flush(timeoutMs: number): Promise<void>;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Default: stderr. */
  readonly sink?: LineSink;
}

const REDACTED = '[redacted]';
/** Names whose value is a secret, compared without case; a match anywhere in the name counts. */
const SECRET = /authorization|cookie|token|secret|passw(?:or)?d|api[-_]?key|private[-_]?key|credential/i;
/** Deeper values are replaced by a marker: a log line is no place for a whole configuration. */
const DEPTH_MAX = 6;
const STDERR_FD = 2;

/** Makes a log. @throws Error when `level` is unknown to pino. */
export function createLog(options: LogOptions): Log {
  const sink = options.sink ?? openSink(STDERR_FD);
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    sink,
  );
  const call =
    (level: 'debug' | 'info' | 'warn' | 'error'): LogCall =>
    (event, fields = {}) => {
      if (logger.isLevelEnabled(level)) logger[level](Object.assign({ event }, redact(fields, 0), { event }));
    };
  return {
    debug: call('debug'),
    info: call('info'),
    warn: call('warn'),
    error: call('error'),
    losses: () => sink.losses(),
    flush: (timeoutMs) => sink.flush(timeoutMs),
  };
}

/** A copy that is safe to write: secrets masked, errors and big integers spelled out, depth bounded. */
function redact(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEPTH_MAX) return '[too deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const entries = Object.entries(value).map(([key, item]) => [
    key,
    SECRET.test(key) ? REDACTED : redact(item, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

function redactError(error: Error, depth: number): object {
  const code = (error as NodeJS.ErrnoException).code;
  return {
    type: error.name,
    message: error.message,
    ...(code === undefined ? {} : { code }),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
    stack: error.stack ?? '',
  };
}
