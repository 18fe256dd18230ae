import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import { DescriptorWatch } from '#src/lib/descriptors.ts';

suite('a watch for descriptors', () => {
  test('is silent while there are some', () => {
    const watch = new DescriptorWatch();
    for (let n = 0; n < 3; n++) assert.equal(watch.look(n * 10_000), '');
  });

  test('says it once every 10 s while there are none, and at once when they are gone again', () => {
    let code = 'EMFILE';
    const watch = new DescriptorWatch(() => code);
    const said = [0, 1000, 9999, 10_000, 11_000].map((nowMs) => watch.look(nowMs));
    assert.deepEqual(said, ['EMFILE', '', '', 'EMFILE', '']);
    code = '';
    assert.equal(watch.look(20_000), '');
    code = 'ENFILE';
    assert.equal(watch.look(20_001), 'ENFILE');
  });

  test('sees a real limit', { skip: process.platform === 'win32' ? 'no such limit' : false }, () => {
    const script = `
      import { openSync } from 'node:fs';
      import { DescriptorWatch } from ${JSON.stringify(import.meta.resolve('#src/lib/descriptors.ts'))};
      const watch = new DescriptorWatch();
      const before = watch.look(0);
      try { for (let n = 0; n < 1000; n++) openSync('/dev/null'); } catch {}
      process.stdout.write(before + '|' + watch.look(0));
    `;
    const node = [process.execPath, '--input-type=module', '-e', script];
    const { stdout } = spawnSync('sh', ['-c', 'ulimit -n 100 && exec "$@"', 'sh', ...node], { encoding: 'utf8' });
    assert.equal(stdout, '|EMFILE');
  });
});
