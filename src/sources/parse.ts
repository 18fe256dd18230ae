/**
 * Reads configuration documents: texts in, a validated configuration or every problem out.
 *
 * ```
 * texts ─▶ document/ (YAML, variables, shape; merged) ─▶ checks/ (references) ─▶ build/ (defaults)
 * ```
 * Every stage goes on with what the one before left sound, so that all problems come at once. Pure but for the
 * files that a main document names (document/files.ts): the environment is an argument. Cost: about 2 s per MiB (10,000
 * routes of eight lines: 2 MiB); for documents that were read before, and for their items, about 5 us each.
 */

import { rest } from '../lib/threads/rest.ts';
import type { Config } from '../model/config.ts';
import type { ParseResult, Problem } from '../model/problem.ts';
import { buildConfig, keepBuilt } from './build/config.ts';
import { buildOwn, withOwn } from './build/process/own.ts';
import { leadRoutes } from './build/rollout.ts';
import { buildSources, type Sources } from './build/sources.ts';
import { checkAlerts } from './checks/alerts.ts';
import { checkCapacity } from './checks/capacity.ts';
import { type Draft, draftOf } from './checks/draft.ts';
import { checkFaults } from './checks/faults.ts';
import { checkFilters } from './checks/filters.ts';
import { checkFleet } from './checks/fleet.ts';
import { checkRollouts } from './checks/rollout.ts';
import { checkCompanions } from './checks/route/companions.ts';
import { checkExperiments } from './checks/route/experiments.ts';
import { checkFallbacks } from './checks/route/fallback.ts';
import { checkIdempotency } from './checks/route/idempotency.ts';
import { checkMatches } from './checks/route/matches.ts';
import { checkRoutes } from './checks/route/routes.ts';
import { checkServices } from './checks/services.ts';
import { checkSlos } from './checks/slo.ts';
import { warn } from './checks/warnings.ts';
import type { Environment } from './document/interpolate.ts';
import { Known, type KnownRoute } from './document/known.ts';
import { type Merged, mergeParts } from './document/merge.ts';
import { type Part, readPart } from './document/part.ts';
import { isMapping, mainDocument, PIECES_BYTES_MAX, PIECES_MAX, type SourceDocument } from './document/pieces.ts';
import type { PlacedFault } from './document/read.ts';
import { checkWeights, noteWeights, weigh } from './document/weights/weights.ts';
import { describe } from './problems/fault.ts';
import { createReport, type Path, PROBLEMS_MAX, type Report } from './problems/report.ts';
import type { DocumentInput, RouteInput } from './schema.ts';
import { nameOfSource } from './stores/name.ts';

/** A configuration with the sources that its main document names. */
export type Parsed =
  | (ParseResult & { readonly ok: true; readonly sources: Sources })
  | (ParseResult & { readonly ok: false });

/** Reads a document by itself; one that was read before may be remembered. */
export type ReadPart = (document: SourceDocument) => Part;

/**
 * Parses `text`. Never throws, whatever the text is.
 * @param fileName as the user gave it; stands in front of every problem
 * @param environment variables for `${NAME}`; without it none is set
 */
export function parseConfig(text: string, fileName: string, environment: Environment = {}): ParseResult {
  return parseDocuments([mainDocument(text, fileName)], (document) => readPart(document, environment));
}

/**
 * Parses documents that are one configuration together; the main one comes first, the others in the order of their
 * precedence. Never throws, whatever their texts are.
 * @param known what earlier parses found sound, and this one adds to: the result is the same without it, later
 */
export function parseDocuments(
  documents: readonly SourceDocument[],
  read: ReadPart,
  known: Known = new Known(),
): Parsed {
  const [{ name: fileName }] = documents as [SourceDocument];
  const excess = excessOf(documents);
  if (excess !== null) {
    const report = createReport(fileName, NO_PLACES);
    report.addAt(excess.position, excess.path, excess.fault);
    return { ok: false, problems: report.problems() };
  }
  const parts = documents.map(read);
  const merged = mergeParts(parts);
  rest();
  const report = createReport(fileName, merged.locator);
  const faultyPaths = tellOfParts(parts, merged, report);
  if (parts[0]?.isReadable !== true) return { ok: false, problems: report.problems() };
  for (const { position, path, fault } of merged.faults) {
    if (fault.expected !== '') report.addAt(position, path, fault);
    faultyPaths.push(path);
  }
  const checked = checkTogether(merged, { faultyPaths, known }, report);
  const document = checked.whole;
  if (document === null || report.count > 0) return { ok: false, problems: report.problems() };
  rest();
  const warnings = createReport(fileName, merged.locator);
  for (const { position, path, fault } of merged.warnings) warnings.addAt(position, path, fault);
  const weighed = weigh(document, merged.weights, known);
  const soundRoutes = soundOf(weighed, document, { checked, known });
  const built = buildConfig(weighed, known, soundRoutes);
  const config = leadRoutes(noteWeights(built, document, merged.weights, known));
  rest();
  warn({ document: weighed, known, soundRoutes }, warnings);
  const sources = buildSources(document);
  return { ok: true, config, warnings: warnings.problems(), sources };
}

/** Routes that are known as they are weighed. One that weights make another route of is kept both ways: it is checked by itself. */
function soundOf(
  weighed: DocumentInput,
  { routes, services }: DocumentInput,
  { checked, known }: { readonly checked: Draft; readonly known: Known },
): (KnownRoute | null)[] {
  return checked.soundRoutes.map((before, n) => {
    const [route, own] = [weighed.routes[n] as RouteInput, routes[n] as RouteInput];
    if (route === own) return before;
    if (before === null) keepBuilt(own, services, known);
    return known.route(route, (name) => services[name]);
  });
}

/** What the main document says of where the rest is; null when the document itself is not sound. */
export interface MainReading {
  readonly sources: Sources | null;
  /** Where the process keeps its state; null: in memory, or the document is not sound. */
  readonly stateDirectory: string | null;
  /** Everything that is wrong with the main document by itself. */
  readonly problems: ParseResult & { readonly ok: false };
}

/** Reads the main document alone, before anything is known of its sources. Never throws. */
export function readMain(text: string, fileName: string, environment: Environment): MainReading {
  const part = readPart(mainDocument(text, fileName), environment);
  const report = createReport(fileName, part.locator);
  tellOfParts([part], mergeParts([part]), report);
  const isSound = part.isReadable && report.count === 0;
  const input: Partial<DocumentInput> = isSound && isMapping(part.value) ? part.value : {};
  return {
    sources: isSound ? buildSources(input) : null,
    stateDirectory: input.state?.directory ?? null,
    problems: { ok: false, problems: report.problems() },
  };
}

/**
 * A configuration of before under the main document of now: listeners, token, state and whatever else is the process's own are
 * what this says, the rest stays. Or what does not go together. Never throws.
 */
export function underMain(config: Config, text: string, fileName: string, environment: Environment): ParseResult {
  const part = readPart(mainDocument(text, fileName), environment);
  const report = createReport(fileName, part.locator);
  tellOfParts([part], mergeParts([part]), report);
  if (!part.isReadable || report.count > 0) return { ok: false, problems: report.problems() };
  const input = part.value as DocumentInput;
  const { routes } = config;
  const services = Object.fromEntries(config.services.map(({ name }) => [name, {}]));
  checkFleet({ whole: input }, report);
  checkAlerts({ whole: { ...input, routes, services } }, report);
  if (report.count > 0) return { ok: false, problems: report.problems() };
  return { ok: true, config: withOwn(config, buildOwn(input)), warnings: [] };
}

/**
 * Checks a main document that leaves its routes to sources, without asking these; null when it names none.
 * What is said of services that may be elsewhere is not checked.
 */
export function sourcesOf(text: string, fileName: string, environment: Environment): SourcesCheck | null {
  const { sources, problems } = readMain(text, fileName, environment);
  if (sources !== null && sources.list.length > 0) return { names: sources.list.map(nameOfSource), problems: [] };
  const isSourced = /^["']?sources\b/m.test(text);
  return isSourced && problems.problems.length > 0 ? { names: [], problems: problems.problems } : null;
}

/** Names of sources, without secrets, or what is wrong with the document that names them. */
export interface SourcesCheck {
  readonly names: readonly string[];
  readonly problems: readonly Problem[];
}

const NO_PLACES = { locate: () => ({ line: 0, column: 0 }), valueAt: () => undefined };

/** Documents beyond the limits are not read at all. */
function excessOf(documents: readonly SourceDocument[]): PlacedFault | null {
  let bytes = 0;
  for (const { text } of documents) bytes += Buffer.byteLength(text);
  const isTooMany = documents.length > PIECES_MAX;
  // A single document says so itself.
  if (!isTooMany && (documents.length === 1 || bytes <= PIECES_BYTES_MAX)) return null;
  const expected = isTooMany
    ? `at most ${PIECES_MAX} documents`
    : `at most ${PIECES_BYTES_MAX} bytes (16 MiB) together`;
  const got = isTooMany ? String(documents.length) : String(bytes);
  return { position: NO_PLACES.locate(), path: ['sources'], fault: { kind: 'tooManyPieces', expected, got } };
}

/** Reports what is wrong with each document by itself; returns the paths that are not to be trusted. */
function tellOfParts(parts: readonly Part[], merged: Merged, report: Report): Path[] {
  const faultyPaths: Path[] = [];
  for (const [order, part] of parts.entries()) {
    for (const { path, fault, place } of part.faults) {
      // Places cost a search: no more than are shown.
      const position = report.count < PROBLEMS_MAX ? merged.placeOf(order, path, place()) : NO_PLACES.locate();
      const at = merged.pathOf(order, path);
      report.addAt(position, at, part.document.source === 0 ? fault : describedBy(part, path, fault));
      faultyPaths.push(at);
    }
  }
  return faultyPaths;
}

/** What was found, from the document itself: another one may have the path in the merged value. */
function describedBy({ locator }: Part, path: Path, fault: PlacedFault['fault']): PlacedFault['fault'] {
  return fault.got === undefined ? { ...fault, got: describe(locator.valueAt(path)) } : fault;
}

function checkTogether(
  merged: Merged,
  { faultyPaths, known }: { readonly faultyPaths: readonly Path[]; readonly known: Known },
  report: Report,
): Draft {
  const draft = draftOf(merged.value, faultyPaths, known);
  checkServices(draft, report);
  checkRoutes(draft, report);
  rest();
  checkMatches(draft, report);
  rest();
  checkFilters(draft, report);
  checkFallbacks(draft, report);
  checkFaults(draft, report);
  checkExperiments(draft, report);
  checkIdempotency(draft, report);
  rest();
  checkRollouts(draft, report);
  checkCompanions(draft, report);
  checkWeights(draft, merged, report);
  checkSlos(draft, report);
  rest();
  checkCapacity(draft, report);
  checkFleet(draft, report);
  checkAlerts(draft, report);
  return draft;
}
