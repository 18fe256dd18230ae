/** The table of reasons: complete, in step with its numbers and with the page made from it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { REASON, REASON_COUNT, REASONS, reasonRow } from '#src/model/reason.ts';
import { reasonsPage } from '../../support/tidy/pages/reasons-page.ts';

describe('the table of reasons', () => {
  it('has a row for every number, named alike', () => {
    const numbers = Object.entries(REASON);
    assert.equal(numbers.length, REASON_COUNT);
    for (const [name, number] of numbers) {
      assert.equal(
        reasonRow(number).name,
        name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      );
    }
  });

  it('never blames a version for what the client or the gateway did', () => {
    for (const row of REASONS) if (row.fault !== 'upstream') assert.equal(row.versionEffect, 'ignore', row.name);
  });

  it('never allows another attempt after a fault that is not the upstream’s', () => {
    for (const row of REASONS) if (row.retry !== 'never') assert.equal(row.fault, 'upstream', row.name);
  });

  it('gives every answer of the gateway a status that fits the fault', () => {
    for (const row of REASONS) {
      if (row.status === 0) continue;
      const isClientError = row.status >= 400 && row.status < 500;
      const isClients = isClientError || [501, 505].includes(row.status) || row.name === 'client_deadline';
      assert.equal(isClients, row.fault === 'client', row.name);
    }
  });

  it('is what docs/reasons.md shows', () => {
    const page = readFileSync(new URL('../../../docs/reasons.md', import.meta.url), 'utf8');
    assert.equal(page, reasonsPage(), 'run npm run docs');
  });
});
