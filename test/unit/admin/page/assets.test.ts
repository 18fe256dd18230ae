import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readAssets } from '#src/admin/page/assets.ts';

const assets = await readAssets();

suite('assets', () => {
  test('every module that one imports is served, and nothing is fetched from elsewhere', () => {
    const open = ['/page/browser/app.js'];
    const seen = new Set(open);
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      const body = assets.get(path)?.body ?? assert.fail(`${path} is not served`);
      for (const [, specifier = ''] of body.matchAll(/^import .*? from '([^']+)';$/gm)) {
        const { pathname, host } = new URL(specifier, `http://gateway${path}`);
        assert.equal(host, 'gateway', specifier);
        if (!seen.has(pathname)) open.push(pathname);
        seen.add(pathname);
      }
    }
    assert.ok(seen.has('/page/uplot.js') && seen.has('/page/view/page.js'));
  });

  test('types, what only the server needs, and the folder itself are not there', () => {
    for (const path of [
      '/page/view/board.ts',
      '/page/live.ts',
      '/page/browser/tsconfig.json',
      '/page/',
      '/page/view/../live.ts',
    ]) {
      assert.equal(assets.has(path), false, path);
    }
  });

  test('no style and no module names another host', () => {
    for (const [path, { body }] of assets) {
      if (path === '/page/uplot.js') continue;
      assert.doesNotMatch(body.replaceAll('http://www.w3.org/2000/svg', ''), /https?:\/\//, path);
    }
  });
});
