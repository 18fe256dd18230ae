/** What colors are believed by: followed as the configuration says, told to the workers, said in the log without secrets. */
import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { Keys } from '#src/compose/keys.ts';
import type { Log } from '#src/lib/log.ts';
import { Random } from '#src/lib/random.ts';
import type { ColorConfig, ColorKeys } from '#src/model/threads/color.ts';
import { DEFAULT_COLOR } from '#src/sources/defaults.ts';
import { keyOf, keySetOf, tokenConfig } from '../../support/http/tokens.ts';

const SET = keySetOf(keyOf('k'));
const [OLD, NEW] = ['o'.repeat(32), 'n'.repeat(32)] as const;

interface Desk {
  readonly keys: Keys;
  readonly taught: ColorKeys[];
  readonly log: string[];
}

function deskOf(t: TestContext): Desk {
  const taught: ColorKeys[] = [];
  const log: string[] = [];
  const note = (event: string, fields?: object): void => void log.push(`${event} ${JSON.stringify(fields)}`);
  const keys = new Keys({
    log: { info: note, error: note } as unknown as Log,
    random: new Random(1),
    environment: { NEW, OLD, SHORT: 'geheim' },
    teach: (each) => void taught.push(each),
  });
  t.after(() => keys.close());
  return { keys, taught, log };
}

function colorOf(variables: readonly string[], text: string | null = SET): ColorConfig {
  const keys = variables.map((name) => ({ kind: 'variable', name }) as const);
  return {
    ...DEFAULT_COLOR,
    signature: { header: 's', bucketMs: 1000, keys },
    jwt: text === null ? null : tokenConfig({ keys: { kind: 'inline', text } }),
  };
}

describe('keys', () => {
  it('are read and told, in the order of the configuration', async (t) => {
    const { keys, taught, log } = deskOf(t);
    keys.follow(colorOf(['NEW', 'OLD']));
    await keys.ready();
    assert.deepEqual(taught.at(-1), { secrets: [NEW, OLD], keySet: SET });
    assert.deepEqual(keys.current, taught.at(-1));
    assert.doesNotMatch(log.join(''), /oooo|nnnn/);
  });

  it('that cannot be read are left out, and said without being shown', async (t) => {
    const { keys, taught, log } = deskOf(t);
    keys.follow(colorOf(['SHORT', 'OLD'], '{}'));
    await keys.ready();
    assert.deepEqual(taught.at(-1), { secrets: [OLD], keySet: null });
    assert.equal(log.filter((line) => line.startsWith('color_keys_failed')).length, 2);
    assert.doesNotMatch(log.join(''), /geheim/);
  });

  it('stay while a configuration names the same, and go when it does not', async (t) => {
    const { keys, taught } = deskOf(t);
    keys.follow(colorOf(['NEW']));
    await keys.ready();
    const count = taught.length;
    keys.follow({ ...colorOf(['NEW']), query: 'stage' });
    assert.equal(taught.length, count);
    keys.follow(colorOf(['NEW'], null));
    assert.deepEqual(taught.at(-1), { secrets: [NEW], keySet: null });
    await keys.ready();
    assert.deepEqual(taught.at(-1), { secrets: [NEW], keySet: null });
    keys.follow(colorOf([], null));
    assert.deepEqual(taught.at(-1), { secrets: [], keySet: null });
  });

  it('of a place that stays are known while another place is read for the first time', async (t) => {
    const { keys, taught } = deskOf(t);
    keys.follow(colorOf(['OLD']));
    await keys.ready();
    keys.follow(colorOf(['NEW', 'OLD']));
    assert.deepEqual(taught.at(-1), { secrets: [OLD], keySet: SET });
    await keys.ready();
    assert.deepEqual(taught.at(-1), { secrets: [NEW, OLD], keySet: SET });
    const other = keySetOf(keyOf('other'));
    keys.follow(colorOf(['NEW', 'OLD'], other));
    assert.deepEqual(taught.at(-1), { secrets: [NEW, OLD], keySet: null });
    await keys.ready();
    assert.deepEqual(taught.at(-1), { secrets: [NEW, OLD], keySet: other });
  });

  it('of nobody are asked for by nobody', async (t) => {
    const { keys, taught } = deskOf(t);
    keys.follow(DEFAULT_COLOR);
    keys.wanted();
    await keys.ready();
    keys.close();
    keys.close();
    assert.deepEqual(taught.at(-1) ?? keys.current, { secrets: [], keySet: null });
  });
});
