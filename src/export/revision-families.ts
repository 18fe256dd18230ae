/**
 * Metric families of configuration revisions: what is in force and what the sources hold, pins, rollbacks, what is kept.
 */

import type { Family } from './family.ts';

export const REVISION_FAMILIES: readonly Family[] = [
  {
    name: 'sluice_config_in_sync',
    help: '1 while what is in force is what the sources hold',
    type: 'gauge',
    collect: ({ status }) => [{ labels: {}, value: status.revisions.difference === '' ? 1 : 0 }],
  },
  {
    name: 'sluice_config_pinned',
    help: '1 while a configuration is held against what the sources hold',
    type: 'gauge',
    collect: ({ status }) => [{ labels: {}, value: status.revisions.pin === null ? 0 : 1 }],
  },
  {
    name: 'sluice_config_stale_seconds',
    help: 'Time since the stalest source last confirmed what it holds, also to the process before',
    type: 'gauge',
    collect: ({ status }) => [{ labels: {}, value: status.revisions.staleMs / 1000 }],
  },
  {
    name: 'sluice_config_stale_start_seconds',
    help: 'Age of the configuration of before that the gateway was started with while sources were away; 0: what they hold was taken',
    type: 'gauge',
    collect: ({ status }) => [{ labels: {}, value: (status.revisions.staleStart?.acceptedMs ?? 0) / 1000 }],
  },
  {
    name: 'sluice_config_rollbacks_total',
    help: 'Times a kept configuration was put in force again, by who did it',
    type: 'counter',
    labels: ['by'],
    *collect({ status }) {
      for (const [by, value] of Object.entries(status.revisions.rollbacks)) yield { labels: { by }, value };
    },
  },
  {
    name: 'sluice_config_revisions_kept',
    help: 'Accepted configurations that are kept',
    type: 'gauge',
    collect: ({ status }) => [{ labels: {}, value: status.revisions.kept }],
  },
  {
    name: 'sluice_config_revisions_bytes',
    help: 'What they take together, packed',
    type: 'gauge',
    collect: ({ status }) => [{ labels: {}, value: status.revisions.keptBytes }],
  },
  {
    name: 'sluice_config_signatures_refused_total',
    help: 'Documents that were refused for their signature, by why; absent where none are verified',
    type: 'counter',
    labels: ['reason'],
    *collect({ status }) {
      for (const [reason, value] of Object.entries(status.signatures?.refused ?? {}))
        yield { labels: { reason }, value };
    },
  },
  {
    name: 'sluice_config_key_reloads_total',
    help: 'Times that the file of the keys of signatures was replaced, or could not be used; absent where none are verified',
    type: 'counter',
    labels: ['result'],
    *collect({ status }) {
      for (const [result, value] of Object.entries(status.signatures?.reloads ?? {}))
        yield { labels: { result }, value };
    },
  },
];
