/**
 * The demo's configuration document, rewritten at each step as an operator would.
 */

import { renameSync, writeFileSync } from 'node:fs';

export interface DemoDocument {
  readonly port: number;
  readonly adminPort: number;
  /** Ports of the versions v1 and v2. */
  readonly v1Port: number;
  readonly v2Port: number;
  /** Share of v2 in percent. */
  readonly canaryPercent: number;
}

/** The YAML text. What the machine is short of is none of the story: nothing is shed for it. */
export function documentText(demo: DemoDocument): string {
  return `# Written by the demo; it ends with it.
listen: 127.0.0.1:${demo.port}
admin: 127.0.0.1:${demo.adminPort}
color: {header: x-color, acceptFrom: anyone}
drain: {delay: 0s, timeout: 2s}
saturation: {response: observe}
services:
  checkout:
    versions:
      v1: {endpoints: ['127.0.0.1:${demo.v1Port}']}
      v2: {endpoints: ['127.0.0.1:${demo.v2Port}']}
routes:
  - name: checkout
    matches: [{path: {value: /checkout}}]
    sticky: {header: x-user-id}
    slo: {availability: 0.999, latency: {threshold: 300ms, target: 0.99}}
    backendRefs:
      - {name: checkout, version: v1, weight: ${100 - demo.canaryPercent}}
      - {name: checkout, version: v2, weight: ${demo.canaryPercent}}
    rollout: {stable: v1, canary: v2}
`;
}

/** Replaces the file in one step, so that a reader never sees half of it. */
export function saveDocument(file: string, demo: DemoDocument): void {
  writeFileSync(`${file}.new`, documentText(demo));
  renameSync(`${file}.new`, file);
}
