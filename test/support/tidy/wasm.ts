/**
 * Makes `bytes.wasm.ts` from `bytes.wat`: `npm run wasm`. That one is what the other says is checked by a test.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';

const folder = join(import.meta.dirname, '../../../src/proxy/wire/memory');
export const madeFile: string = join(folder, 'bytes.wasm.ts');

/** The module's source that holds the assembled code. */
export async function assemble(): Promise<string> {
  const assembler = await wabt();
  const parsed = assembler.parseWat('bytes.wat', readFileSync(join(folder, 'bytes.wat'), 'utf8'), {
    simd: true,
    bulk_memory: true,
  });
  parsed.validate();
  const lines = Buffer.from(parsed.toBinary({}).buffer)
    .toString('base64')
    .match(/.{1,100}/g);
  const text = lines?.map((line) => `  '${line}'`).join(' +\n');
  return `/** Made from \`bytes.wat\` by \`npm run wasm\`: the assembled code, in base64. */\n\nexport const BYTES_WASM: string =\n${text};\n`;
}

if (import.meta.main) writeFileSync(madeFile, await assemble());
