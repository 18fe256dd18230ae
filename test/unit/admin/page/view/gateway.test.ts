import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { toHtml } from '#src/admin/page/html.ts';
import { configuration, gauges, top } from '#src/admin/page/view/gateway.js';
import { gatewayPart, sampleBoard } from '../../../../support/readings/board.ts';
import { ONE_DEFECT, sampleSource, sampleStatus } from '../../../../support/readings/status.ts';

suite('gateway', () => {
  test('gauges tell limits and what was refused', () => {
    const html = toHtml(gauges(sampleBoard({ viewers: { now: 16, max: 16, refused: 3 } })));
    for (const text of ['Memory', 'Event loops', 'Shed by the gateway', '16 of 16', '3 turned away'])
      assert.ok(html.includes(text), text);
  });

  test('a defect of the program is told', () => {
    const html = toHtml(gauges(sampleBoard({ gateway: gatewayPart(sampleStatus({ defects: ONE_DEFECT })) })));
    for (const text of ['SLU1925', 'in rollouts checkout, 2 times: TypeError at judgement.ts:68:5'])
      assert.ok(html.includes(text), text);
  });

  test('the configuration in force, the newest attempt, and every problem of a refused one', () => {
    const status = sampleStatus();
    const problem = {
      code: 'SLU1012',
      file: 'gateway.yaml',
      line: 5,
      column: 3,
      path: 'routes[0]',
      expected: 'a ratio',
      got: '99',
      hint: '',
    };
    const config = {
      ...status.config,
      last: { at: '2026-11-01T08:03:00.000Z', result: 'refused' as const, problems: [problem] },
    };
    const html = toHtml(configuration(sampleBoard({ gateway: gatewayPart({ ...status, config }) })));
    for (const text of ['revision 12', 'refused', 'SLU1012', 'gateway.yaml:5 routes[0]', 'expected a ratio; got 99']) {
      assert.ok(html.includes(text), text);
    }
  });

  test('a source that cannot be reached says why', () => {
    const status = sampleStatus();
    const sources = [sampleSource({ lastError: 'connection refused' })];
    const html = toHtml(configuration(sampleBoard({ gateway: gatewayPart({ ...status, sources }) })));
    assert.match(html, /connection refused/);
  });

  test('the bar on top says whether it is ready and as of when', () => {
    const html = toHtml(top(sampleBoard()));
    assert.match(html, /ready/);
    assert.match(html, /08:02:00 UTC/);
  });
});
