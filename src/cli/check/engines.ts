/**
 * Whether a version of Node.js is one of those that package.json asks for: `^24.21.0 || >=26.10.0`.
 *
 * Of npm's ranges the two forms that are written there, joined by `||`; any other is an error and never a pass. A prerelease is
 * older than its release: `27.0.0-nightly` is none of `>=27.0.0`.
 * Source: package.json of npm, "engines"; Semantic Versioning 2.0.0 section 11.
 */

import assert from 'node:assert/strict';

const RANGE = /^(\^|>=)(\d+)\.(\d+)\.(\d+)$/;
const VERSION = /^v?(\d+)\.(\d+)\.(\d+)(-[0-9A-Za-z.-]+)?$/;

/** @param engines as package.json has it @param version as `process.version` */
export function isEngine(engines: string, version: string): boolean {
  const parsed = VERSION.exec(version);
  if (parsed === null) return false;
  const [major = 0, minor = 0, patch = 0] = parsed.slice(1, 4).map(Number);
  const isPrerelease = parsed[4] !== undefined;
  return engines.split('||').some((range) => {
    const form = RANGE.exec(range.trim());
    assert.ok(form !== null, `engines: ${range}`);
    const [leastMajor = 0, leastMinor = 0, leastPatch = 0] = form.slice(2).map(Number);
    if (form[1] === '^' && major !== leastMajor) return false;
    const order = major - leastMajor || minor - leastMinor || patch - leastPatch;
    return isPrerelease ? order > 0 : order >= 0;
  });
}
