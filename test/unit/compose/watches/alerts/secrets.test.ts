import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readAccess } from '#src/compose/watches/alerts/secrets.ts';
import type { ChannelConfig } from '#src/model/threads/load/alerts.ts';

const PATH = '/services/T0123456789ABCDEF';
const HOOK = `https://hooks.test${PATH}?key=K-secret`;
const FILES: Readonly<Record<string, string>> = { hook: ` ${HOOK}\n`, ca: 'PEM', empty: ' \n', odd: 'two words' };

function access(
  changes: Partial<Pick<ChannelConfig, 'url' | 'secret' | 'ca'>>,
  environment: Record<string, string> = {},
) {
  const disk = {
    readText: (file: string) => {
      const text = FILES[file];
      return text === undefined ? Promise.reject(new Error(`${file}: no such file`)) : Promise.resolve(text);
    },
  };
  return readAccess({ url: { kind: 'file', path: 'hook' }, secret: null, ca: null, ...changes }, environment, disk);
}

suite('secrets', () => {
  test('come from files and variables, without the white space around them', async () => {
    const secret = { kind: 'variable', name: 'KEY' } as const;
    assert.deepEqual(await access({ secret, ca: 'ca' }, { KEY: 'abc ' }), {
      url: HOOK,
      secret: 'abc',
      ca: 'PEM',
      secrets: [HOOK, `${PATH}?key=K-secret`, PATH, 'T0123456789ABCDEF', 'K-secret', 'abc'],
    });
    const open = await access({ url: { kind: 'open', url: 'http://alertmanager:9093' } });
    assert.deepEqual(open, { url: 'http://alertmanager:9093', secret: null, ca: null, secrets: [] });
  });

  test('that are missing or malformed are named by their place, never shown', async () => {
    const variable = { kind: 'variable', name: 'KEY' } as const;
    await assert.rejects(access({ secret: variable }), /^Error: the variable KEY is not set or empty$/);
    await assert.rejects(
      access({ url: { kind: 'file', path: 'empty' } }),
      /^Error: the file empty is not set or empty$/,
    );
    await assert.rejects(access({ url: { kind: 'file', path: 'gone' } }), /no such file/);
    for (const [text, why] of [
      ['two words', /is no text of visible ASCII/],
      ['hush', /is no URL/],
      ['ftp://hush', /is no URL/],
      ['http://hush.test/', /secret would be sent in the clear/],
    ] as const) {
      await assert.rejects(access({ url: variable }, { KEY: text }), (error: Error) => {
        assert.match(error.message, why);
        assert.doesNotMatch(error.message, /hush|words/);
        return true;
      });
    }
  });

  test('go in the clear to this machine alone', async () => {
    const secret = { kind: 'variable', name: 'KEY' } as const;
    for (const url of ['http://127.0.0.1:1/', 'http://localhost:1/', 'http://[::1]:1/', 'https://far.test/']) {
      assert.equal((await access({ url: { kind: 'open', url }, secret }, { KEY: 'k' })).url, url);
    }
    const far = access({ url: { kind: 'open', url: 'http://far.test/' }, secret }, { KEY: 'k' });
    await assert.rejects(far, /http:\/\/far\.test\/ begins with http/);
  });
});
