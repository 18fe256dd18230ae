import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { cacheFolder, useCompileCache } from '#src/cli/commands/compile-cache.ts';

function folder(context: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'sluice-cache-'));
  context.after(() => rmSync(made, { recursive: true }));
  return made;
}

/** Records what would be enabled: the test's own process keeps its modules as they are. */
function enabler() {
  const asked: string[] = [];
  const enable = (directory: unknown) => {
    asked.push(String(directory));
    return { status: 1, directory: String(directory) };
  };
  return { asked, enable: enable as unknown as NonNullable<Parameters<typeof useCompileCache>[1]> };
}

suite('the cache of compiled modules', () => {
  test('lies where users keep such things', () => {
    assert.equal(cacheFolder({ XDG_CACHE_HOME: '/x', HOME: '/h' }, 'linux'), '/x/sluice/compiled');
    assert.equal(cacheFolder({ XDG_CACHE_HOME: 'relative', HOME: '/h' }, 'linux'), '/h/.cache/sluice/compiled');
    assert.equal(cacheFolder({ HOME: '/h' }, 'darwin'), '/h/.cache/sluice/compiled');
    assert.equal(cacheFolder({}, 'linux'), null);
    assert.equal(cacheFolder({ HOME: '/h' }, 'win32'), null);
    assert.match(cacheFolder({ LOCALAPPDATA: 'C:\\a' }, 'win32') ?? '', /sluice/);
  });

  test('is made for its user alone', (context) => {
    const { asked, enable } = enabler();
    const home = folder(context);
    const expected = join(home, '.cache/sluice/compiled');
    assert.equal(useCompileCache({ HOME: home }, enable), expected);
    assert.deepEqual(asked, [expected]);
    assert.equal(statSync(expected).mode & 0o777, 0o700);
  });

  test('is not used where others may write to it, or where it cannot be', (context) => {
    const { asked, enable } = enabler();
    const home = folder(context);
    const open = join(home, 'sluice/compiled');
    mkdirSync(open, { recursive: true });
    chmodSync(open, 0o777);
    assert.equal(useCompileCache({ XDG_CACHE_HOME: home }, enable), null);
    writeFileSync(join(home, 'file'), '');
    assert.equal(useCompileCache({ XDG_CACHE_HOME: join(home, 'file') }, enable), null);
    assert.equal(useCompileCache({}, enable), null);
    assert.deepEqual(asked, []);
  });
});
