#!/usr/bin/env node
/**
 * The command `sluice`: runs the source where it lies beside, which is in the repository, and else what was built of it, as
 * Node strips no types in packages.
 */

import { existsSync } from 'node:fs';

const source = new URL('../src/main.ts', import.meta.url);
await import((existsSync(source) ? source : new URL('../dist/main.js', import.meta.url)).href);
