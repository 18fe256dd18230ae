import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fromOpenApi, isOpenApi } from '#src/cli/slo/formats/openapi.ts';
import { sloTools } from '#src/compose/answers/slo-tools.ts';
import { documentsOf } from '../../../../support/readings/slo-file.ts';

const TEXT = `openapi: 3.1.0
info: {title: Shop, version: "1", x-slo-route: shop, x-slo-availability: 99.9}
paths:
  /cart:
    x-slo-latency-target: 99
    get: {x-slo-latency-threshold: 300ms}
  /checkout:
    x-slo-route: checkout
    post: {x-slo-availability: 0.9995}
    parameters: []
  /stock:
    get: {}
`;

function read(text: string) {
  const [document] = documentsOf(text).documents;
  assert.ok(document !== undefined && isOpenApi(document));
  const { objectives, problems } = fromOpenApi(document, 'api.yaml', sloTools);
  return { objectives, problems: problems.map(({ code, path }) => `${code} ${path}`) };
}

describe('extensions of OpenAPI', () => {
  it('are objectives of the routes that they name, the innermost one counting', () => {
    const { objectives, problems } = read(TEXT);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      objectives.map(({ name, indicator, targetRatio, thresholdMs }) => [name, indicator, targetRatio, thresholdMs]),
      [
        ['shop', 'availability', 0.999, null],
        ['shop', 'latency', 0.99, 300],
        ['checkout', 'availability', 0.9995, null],
      ],
    );
  });

  it('name a route, come in pairs, and are spelt right', () => {
    assert.deepEqual(read(TEXT.replace('x-slo-route: shop, ', '')).problems, [
      'SLU1215 paths./cart.get.x-slo-route',
      'SLU1215 paths./stock.get.x-slo-route',
    ]);
    assert.deepEqual(read(TEXT.replace('{x-slo-latency-threshold: 300ms}', '{}')).problems, [
      'SLU1215 paths./cart.x-slo-latency-threshold',
    ]);
    assert.deepEqual(read(TEXT.replace('get: {}', 'get: {x-slo-latensy: 3}')).problems, [
      'SLU1215 paths./stock.get.x-slo-latensy',
    ]);
  });

  it('have values that mean something', () => {
    assert.deepEqual(read(TEXT.replace('0.9995', '100')).problems, ['SLU1215 paths./checkout.post.x-slo-availability']);
    assert.deepEqual(read(TEXT.replace('300ms', 'fast')).problems, ['SLU1215 paths./cart.get.x-slo-latency-threshold']);
  });

  it('agree on a route', () => {
    const other = TEXT.replace('get: {}', 'get: {x-slo-availability: 99}');
    assert.deepEqual(read(other).problems, ['SLU1219 paths./stock.get']);
  });

  it('are of version 3', () => {
    assert.equal(isOpenApi({ value: { swagger: '2.0' }, placeOf: () => ({ line: 1, column: 1 }) }), false);
  });
});
