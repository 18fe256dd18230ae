/** Time windows of OpenSLO: which are the gateway's periods, and what is said of those that are not. */

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readOpenSlo } from '#src/cli/slo/check/openslo.ts';
import { documentsOf, OPENSLO } from '../../../../support/readings/slo-file.ts';

const MONTH = 'duration: 1M, isRolling: false, calendar: {startTime: 2024-01-01 00:00:00, timeZone: UTC}';

function read(window: string, text = OPENSLO) {
  const { documents, findings } = documentsOf(text.replace('duration: 28d, isRolling: true', window));
  const calendars = readOpenSlo(documents, findings).map(({ calendar }) => calendar);
  const paths = findings.warnings.map(({ path }) => path.replace('spec.timeWindow[0].', ''));
  return { calendars, paths, problems: findings.problems, hints: findings.warnings.map(({ hint }) => hint) };
}

describe('a window', () => {
  for (const [window, calendar] of [
    ['duration: 28d, isRolling: true', null],
    ['duration: 4w, isRolling: true', null],
    [MONTH, 'month'],
    [MONTH.replace('1M', '1w'), 'week'],
    [MONTH.replace('1M', '7d'), 'week'],
    [MONTH.replace('01-01 ', '05-01T').replace('isRolling: false, ', ''), 'month'],
  ] as const) {
    it(`of ${window} is the gateway's`, () => {
      const { calendars, paths, problems } = read(window);
      assert.deepEqual([calendars, paths, problems], [[calendar], [], []]);
    });
  }

  for (const [window, calendar, path] of [
    ['duration: 90d, isRolling: true', null, 'duration'],
    ['duration: 30d, isRolling: true', null, 'duration'],
    ['duration: 1M, isRolling: true', null, 'duration'],
    [MONTH.replace('1M', '1Q'), null, 'duration'],
    [MONTH.replace('01-01', '01-02'), 'month', 'calendar'],
    [MONTH.replace('00:00:00', '06:00:00'), 'month', 'calendar'],
    [MONTH.replace('1M', '1w').replace('01-01', '01-02'), 'week', 'calendar'],
    [MONTH.replace('UTC', 'Asia/Shanghai'), 'month', 'calendar'],
  ] as const) {
    it(`of ${window} is warned of`, () => {
      const { calendars, paths, problems, hints } = read(window);
      assert.deepEqual([calendars, paths, problems], [[calendar], [path], []]);
      assert.match(hints[0] ?? '', /it is read/);
    });
  }

  it('of an objective that the gateway does not measure is its own affair', () => {
    const { calendars, paths } = read(
      'duration: 90d, isRolling: true',
      OPENSLO.replaceAll('type: sluice', 'type: Datadog'),
    );
    assert.deepEqual([calendars, paths], [[], []]);
  });
});
