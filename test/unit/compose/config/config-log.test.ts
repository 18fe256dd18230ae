import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConfigLog } from '#src/compose/config/config-log.ts';
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
