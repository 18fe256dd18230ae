/**
 * Renews the files that are made from others: the index of the decision records.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { renderAdrIndex } from './documents.ts';
import { readRepository } from './files.ts';

const root = join(import.meta.dirname, '../../..');
writeFileSync(join(root, 'docs/adr/README.md'), renderAdrIndex(readRepository(root)));
