import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readTags } from '#src/sources/follow/discover/dialects.ts';

const read = (...tags: readonly string[]) => readTags(tags, ['canary']);
const NOTHING = {
  version: null,
  color: null,
  port: null,
  weight: null,
  share: null,
  schemes: [],
  out: '',
  ignored: [],
};

test('tags that are nobody’s say nothing', () => {
  assert.deepEqual(read(), NOTHING);
  assert.deepEqual(read('http', 'version=', '=v1', 'color', 'versions=v1'), NOTHING);
});

test('version and color are read from our own tags, the first of each', () => {
  assert.deepEqual(read('version=v2', 'color=green', 'version=v3'), { ...NOTHING, version: 'v2', color: 'green' });
});

describe('canaries', () => {
  test('are those with a canary tag, whatever version they name besides', () => {
    assert.equal(read('canary', 'version=v2').version, 'canary');
    assert.equal(read('version=v2', 'traefik.consulcatalog.canary=true').version, 'canary');
    assert.equal(read('traefik.consulCatalog.canary=false', 'version=v2').version, 'v2');
  });

  test('may have tags of the operator’s choice', () => {
    assert.equal(readTags(['new one', 'canary'], ['new one']).version, 'canary');
    assert.equal(readTags(['canary'], ['new one']).version, null);
  });
});

describe('fabio', () => {
  test('weight is a share; routes and other options are named as ignored', () => {
    const { share, out, ignored } = read('urlprefix-shop.test/ weight=0.25 strip=/shop', 'urlprefix-/b weight=0.5');
    assert.deepEqual([share, out], [0.25, '']);
    assert.deepEqual(ignored, ['fabio: host and path of urlprefix-', 'fabio: strip']);
  });

  test('a weight that is none is named as ignored', () => {
    for (const weight of ['0', '1.5', '-1', 'x', '1e-2', '']) {
      const { share, ignored } = read(`urlprefix-/ weight=${weight}`);
      assert.deepEqual([share, ignored.at(-1)], [null, 'fabio: weight'], weight);
    }
    assert.equal(read('urlprefix-/ weight=.5').share, 0.5);
  });

  test('what an instance speaks is what its routes say, plain HTTP where they say nothing', () => {
    const schemesOf = (...tags: readonly string[]) => read(...tags).schemes;
    assert.deepEqual(schemesOf('urlprefix-/ proto=HTTPS'), ['https']);
    assert.deepEqual(schemesOf('urlprefix-:3306 proto=tcp', 'urlprefix-/'), ['http', 'tcp']);
    assert.deepEqual(schemesOf('urlprefix-/ proto=http'), ['http']);
    const secure = 'traefik.http.services.a.loadbalancer.server.scheme=https';
    assert.deepEqual(schemesOf('urlprefix-/', secure), ['https'], 'what is said counts more than what is left open');
    assert.deepEqual(schemesOf(secure, 'urlprefix-/ proto=http'), ['http', 'https']);
    assert.deepEqual(schemesOf('urlprefix-/ proto=grpcs', 'urlprefix-/b proto=grpcs'), ['grpcs']);
    assert.equal(schemesOf(`urlprefix-/ proto=${'x'.repeat(1000)}`)[0]?.length, 16);
  });
});

describe('Traefik', () => {
  test('port and weight of the server are read, in any case of the letters', () => {
    const server = 'traefik.http.services.shop.loadbalancer.server';
    const { port, weight, ignored } = read(`${server}.port=8081`, `${server.replace('balancer', 'Balancer')}.weight=3`);
    assert.deepEqual([port, weight, ignored], [8081, 3, []]);
    assert.equal(read('traefik.weight=7').weight, 7);
    assert.equal(read('traefik.backend.weight=7').weight, 7);
    for (const wrong of ['0', '65536', '1.5', 'x', '-1'])
      assert.equal(read(`${server}.port=${wrong}`).port, null, wrong);
  });

  test('an instance that is disabled takes no part, and the scheme is what it speaks', () => {
    assert.equal(read('traefik.enable=false').out, 'traefik.enable=false');
    assert.equal(read('traefik.enable=true').out, '');
    assert.deepEqual(read('traefik.http.services.a.loadbalancer.server.scheme=h2c').schemes, ['h2c']);
    assert.deepEqual(read('traefik.http.services.a.loadbalancer.server.scheme=HTTPS').schemes, ['https']);
  });

  test('everything else is named as ignored, by its kind alone', () => {
    const tags = [
      'traefik.http.routers.a.rule=Host(`a.test`)',
      'traefik.http.routers.b.rule=x',
      'traefik.tcp.routers.c.rule=y',
    ];
    assert.deepEqual(read(...tags).ignored, ['traefik.http.routers', 'traefik.tcp.routers']);
  });
});
