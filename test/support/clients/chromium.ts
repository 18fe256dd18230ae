/**
 * Chromium without a screen, driven through playwright-core: the machine's own browser, kept to loopback.
 */

import { type Browser, chromium } from 'playwright-core';
import { findBinary } from '../runner/servers.ts';

/** Longest wait for anything in it: reached only when something hangs. */
export const PATIENCE_MS = 180_000;

/** Where it is, or null. */
export const CHROMIUM = findBinary('chromium');

const ARGUMENTS = [
  // As root there is no sandbox to be had; what is shown is our own.
  '--no-sandbox',
  // A container's /dev/shm may be 64 MB.
  '--disable-dev-shm-usage',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-proxy-server',
  // Every name but those of this machine is unknown.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
];

/** Starts it. @throws when it does not start within `PATIENCE_MS` */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM as string, args: ARGUMENTS, timeout: PATIENCE_MS });
}
