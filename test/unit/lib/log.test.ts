import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { createLog, LOG_LEVELS, type LogLevel } from '#src/lib/log.ts';
import type { LineSink } from '#src/lib/sink.ts';

interface Line {
  readonly level: string;
  readonly time: string;
  readonly event: string;
  readonly count?: string;
  readonly error?: {
    readonly type: string;
    readonly message: string;
    readonly stack: string;
    readonly cause: { readonly code: string };
  };
}

function memoryLog(level: LogLevel = 'info') {
  const lines: string[] = [];
  const sink: LineSink = {
    write: (line) => void lines.push(line),
    writeAll: (some) => void lines.push(...some),
    losses: () => ({ errors: 2, lines: 3, lastCode: 'ENOSPC' }),
    flush: () => Promise.resolve(),
  };
  return { log: createLog({ level, sink }), lines, parsed: () => lines.map((line) => JSON.parse(line) as Line) };
}

suite('log', () => {
  test('a line is one JSON object with level, time, event and the fields', () => {
    const { log, lines, parsed } = memoryLog();
    log.info('config_accepted', { revision: 3, file: 'gateway.yaml' });
    assert.equal(lines.length, 1);
    assert.ok(lines[0]?.endsWith('}\n'));
    const [{ time, ...rest }] = parsed() as [Line];
    assert.deepEqual(rest, { level: 'info', event: 'config_accepted', revision: 3, file: 'gateway.yaml' });
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test('an event needs no fields', () => {
    const { log, parsed } = memoryLog();
    log.warn('draining');
    assert.equal(parsed()[0]?.event, 'draining');
    assert.equal(parsed()[0]?.level, 'warn');
  });

  test('lines below the level are not written', () => {
    const { log, parsed } = memoryLog('warn');
    log.debug('a');
    log.info('b');
    log.warn('c');
    log.error('d');
    assert.deepEqual(
      parsed().map((line) => line.event),
      ['c', 'd'],
    );
  });

  test('every documented level is accepted and silent writes nothing', () => {
    for (const level of LOG_LEVELS) assert.doesNotThrow(() => memoryLog(level));
    const { log, lines } = memoryLog('silent');
    log.error('x');
    assert.deepEqual(lines, []);
  });

  test('secrets under telling names are masked at any depth', () => {
    const { log, lines } = memoryLog();
    log.info('seen', {
      headers: { Authorization: 'Bearer hunter2', 'set-cookie': ['a=hunter2'], accept: '*/*' },
      list: [{ apiKey: 'hunter2', X_API_KEY: 'hunter2', accessToken: 'hunter2', clientSecret: 'hunter2' }],
      password: 'hunter2',
    });
    assert.ok(!lines.join('').includes('hunter2'));
    assert.ok(lines.join('').includes('*/*'));
  });

  test('control characters of a field cannot break a line or color a terminal', () => {
    const { log, lines } = memoryLog();
    log.info('seen', { path: '/a\r\n{"event":"forged"}\u001b[31m' });
    assert.equal(lines[0]?.indexOf('\n'), (lines[0]?.length ?? 0) - 1);
    assert.ok(!lines[0]?.includes('\u001b'));
  });

  test('an error is written with its type, message, code, cause and stack', () => {
    const { log, parsed } = memoryLog();
    const cause = Object.assign(new Error('no space'), { code: 'ENOSPC' });
    log.error('write_failed', { error: new TypeError('cannot write', { cause }) });
    const error = parsed()[0]?.error;
    assert.equal(error?.type, 'TypeError');
    assert.equal(error?.message, 'cannot write');
    assert.equal(error?.cause.code, 'ENOSPC');
    assert.match(error?.stack ?? '', /log\.test\.ts/);
  });

  test('cyclic, huge-integer and very deep fields are written without throwing', () => {
    const { log, parsed } = memoryLog();
    const cyclic: Record<string, unknown> = { count: 2n ** 70n };
    cyclic['self'] = cyclic;
    log.info('odd', cyclic);
    assert.equal(parsed()[0]?.count, '1180591620717411303424');
    assert.ok(JSON.stringify(parsed()[0]).includes('[too deep]'));
  });

  test('losses of the sink are told', () => {
    assert.deepEqual(memoryLog().log.losses(), { errors: 2, lines: 3, lastCode: 'ENOSPC' });
  });
});
