/**
 * Micro-benchmarks of the hot functions: `npm run bench:micro`; `--smoke` runs each a few times so that none can rot.
 */

import { HEADER_BLOCK_SUBJECTS } from './header-block-subjects.ts';
import { measure } from './measure.ts';
import { ROUTING_SUBJECTS } from './routing-subjects.ts';
import { SUBJECTS } from './subjects.ts';
import { TAP_SUBJECTS } from './tap-subjects.ts';
import { TRACING_SUBJECTS } from './tracing-subjects.ts';
import { VERDICT_SUBJECTS } from './verdict-subject.ts';

const isSmoke = process.argv.includes('--smoke');
const calls = isSmoke ? 200 : 50_000;
const batches = isSmoke ? 2 : 21;

process.stdout.write(`node ${process.version}, median of ${batches} batches of ${calls} calls\n`);
process.stdout.write(`${'function'.padEnd(44)}${'ns/call'.padStart(10)}${'B/call'.padStart(10)}\n`);
const subjects = [
  ...SUBJECTS,
  ...HEADER_BLOCK_SUBJECTS,
  ...ROUTING_SUBJECTS,
  ...TRACING_SUBJECTS,
  ...TAP_SUBJECTS,
  ...VERDICT_SUBJECTS,
];
for (const subject of subjects) {
  const { name, nsPerCall, bytesPerCall } = measure(subject, calls, batches);
  process.stdout.write(
    `${name.padEnd(44)}${nsPerCall.toFixed(1).padStart(10)}${bytesPerCall.toFixed(1).padStart(10)}\n`,
  );
}
