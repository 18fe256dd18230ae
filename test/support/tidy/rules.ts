/**
 * The house rules in one list, as `test/tidy.test.ts` runs them.
 */

import { bannedCallRule, focusedTestRule, machinePathRule, promiseRule, sleepRule } from './calls.ts';
import { containerRule } from './container.ts';
import { dependencyRule, testImportRule } from './dependency.ts';
import {
  adrRule,
  dependencyRecordRule,
  linkRule,
  pageRule,
  pinRule,
  scriptMentionRule,
  scriptTargetRule,
} from './documents.ts';
import type { Rule } from './files.ts';
import { allocationRule, hotRule, orphanRule, rootRule, untestedRule } from './mirrors.ts';
import { documentedRule, fileSizeRule, folderSizeRule, headerRule } from './shape.ts';

/** Every rule with the sentence that it enforces. */
export const RULES: readonly (readonly [sentence: string, rule: Rule])[] = [
  ['folders of src import only what the table allows', dependencyRule],
  ['tests import the source as #src', testImportRule],
  ['files are short', fileSizeRule],
  ['folders are small', folderSizeRule],
  ['every file says what it is for', headerRule],
  ['exported functions and classes are documented', documentedRule],
  ['every file with logic has its unit test', untestedRule],
  ['every unit test has its file', orphanRule],
  ['the process entry is started by an integration test', rootRule],
  ['hot files have an allocation test', allocationRule],
  ['hot files neither wait nor allocate carelessly', hotRule],
  ['banned calls stand only where they are allowed', bannedCallRule],
  ['tests on virtual time do not sleep', sleepRule],
  ['no test is focused or switched off', focusedTestRule],
  ['nothing is promised in comments', promiseRule],
  ['no file names a machine or a registry', machinePathRule],
  ['decision records have their form and index', adrRule],
  ['run-time dependencies have a decision record', dependencyRecordRule],
  ['links in the documents lead somewhere', linkRule],
  ['pages that are named exist', pageRule],
  ['scripts that the documents name exist', scriptMentionRule],
  ['scripts run files that exist', scriptTargetRule],
  ['dependencies are pinned', pinRule],
  ['the Dockerfile keeps to its rules', containerRule],
];
