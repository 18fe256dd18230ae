import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigLog, shown, tellOfSource } from '#src/compose/config/config-log.ts';
import type { Log } from '#src/lib/log.ts';
import { createDials } from '#src/snapshot/dials.ts';
import { Store } from '#src/snapshot/store.ts';
import { parseConfig } from '#src/sources/parse.ts';
import { SOUND } from '../../../support/config.ts';

test('the log names the configuration that was refused, kept and taken in', () => {
  const lines: [string, Record<string, unknown>][] = [];
  const say = (event: string, fields: Record<string, unknown>): void => void lines.push([event, fields]);
  const log = new ConfigLog(
    { debug: say, info: say, warn: say, error: say } as unknown as Log,
    'gateway.yaml',
    () => 7,
  );
  const store = new Store({ file: 'gateway.yaml', dials: createDials(), wallTime: () => '', mayRecycle: () => true });
  const offer = (text: string): void => log.offered(store.offer(parseConfig(text, 'gateway.yaml')));
  offer('listen: nowhere\n');
  offer(SOUND);
  offer(SOUND);
  const { current } = store;
  assert.ok(current !== null);
  log.live(current);
  log.warn(['a restart is needed']);
  const fields = {
    file: 'gateway.yaml',
    revision: 7,
    snapshot: 1,
    hash: current.snapshot.hash,
    routes: current.config.routes.length,
  };
  assert.equal(lines[0]?.[0], 'config_refused');
  assert.match(JSON.stringify(lines[0]?.[1]), /"problems":\[".+"/);
  assert.deepEqual(lines.slice(1), [
    ['config_unchanged', fields],
    ['config_live', fields],
    ['config_warning', { text: 'a restart is needed' }],
  ]);
});

test('each kind of word of a source has an event of its own, and many changes at once are a warning', () => {
  const lines: string[] = [];
  const say = (level: string) => (event: string, fields: Record<string, unknown>) =>
    void lines.push(`${level} ${event} ${String(fields['source'])}`);
  const log = { info: say('info'), warn: say('warn'), error: say('error') } as unknown as Log;
  const changes = { added: ['a', 'b'], removed: [], changed: ['c'] };
  tellOfSource(log, 's', { kind: 'failed', because: 'x', retryInMs: 1 }, 50);
  tellOfSource(log, 's', { kind: 'recovered', failures: 1 }, 50);
  tellOfSource(log, 's', { kind: 'fresh' }, 50);
  tellOfSource(log, 's', { kind: 'drifted', revision: '1' }, 50);
  tellOfSource(log, 's', { kind: 'shrunk', before: 9, after: 0 }, 50);
  tellOfSource(log, 's', { kind: 'changed', changes, revision: '1', atMs: 0 }, 3);
  tellOfSource(log, 's', { kind: 'changed', changes, revision: '1', atMs: 0 }, 2);
  assert.deepEqual(lines, [
    'warn source_failed s',
    'info source_recovered s',
    'info source_fresh s',
    'warn source_drifted s',
    'error source_shrunk s',
    'info source_changed s',
    'warn source_changed s',
  ]);
});

test('of very many names the first are told, and how many more there are', () => {
  const names = Array.from({ length: 22 }, (_, n) => `a${n}`);
  assert.deepEqual(shown(names.slice(2)), names.slice(2));
  assert.deepEqual(shown(names), [...names.slice(0, 20), 'and 2 more']);
});
