/**
 * Reads one document by itself: its values, and everything that is wrong with it whatever the others say.
 *
 * What is found depends on the document alone (and the files that the main one names), so a part can be kept while others
 * change: of 10,000 routes in a store, only those that changed are read again. Places in the text are looked for only when
 * somebody asks.
 */

import type { z } from 'zod';
import { once } from '../../lib/once.ts';
import { rest } from '../../lib/threads/rest.ts';
import { type FaultAt, faultsOf } from '../problems/issues.ts';
import type { Locator, Path, Position } from '../problems/report.ts';
import { weightsDocument } from '../schema/weights.ts';
import { fieldsAt, fieldsOf, mainSchemaFor, rootSchema, routeSchema, servicesSchema } from '../schema.ts';
import { fillFiles } from './files.ts';
import type { Environment } from './interpolate.ts';
import { isMapping, type Mount, type SourceDocument } from './pieces.ts';
import { findValue, type Reading, readDocument } from './read.ts';

/** A document that was read. Paths are its own. */
export interface Part {
  readonly document: SourceDocument;
  /** False: there is no value, and the faults say why. */
  readonly isReadable: boolean;
  /** Of a route with its name in it. */
  readonly value: unknown;
  readonly faults: readonly PartFault[];
  readonly locator: Locator;
}

/** A fault with its place, which is looked for when it is wanted. */
export interface PartFault {
  readonly path: Path;
  readonly fault: FaultAt['fault'];
  readonly place: () => Position;
}

/** Reads a document. Never throws, whatever its text is. */
export function readPart(document: SourceDocument, environment: Environment): Part {
  if (document.mount.kind === 'ignored' || document.mount.kind === 'signature')
    return { document, isReadable: true, value: null, faults: [], locator: NO_PLACES };
  const from = document.isForeign ? null : environment;
  const reading = readDocument(document.text, from);
  const own = reading.faults.map(({ position, path, fault }) => {
    const told = fault.kind === 'empty' && document.mount.kind !== 'main' ? { ...fault, ...EMPTY_PIECE } : fault;
    return { path, fault: told, place: () => position };
  });
  const files = fillFiles(reading.value, document);
  const value = document.mount.kind === 'route' ? namedRoute(reading.value, document.mount.name) : reading.value;
  const locator = document.mount.kind === 'main' ? reading.locator : lateLocator(document.text, from, reading.value);
  const part = { document, isReadable: reading.isReadable, value, locator };
  if (!reading.isReadable) return { ...part, faults: own };
  rest();
  const shape = shapeFaults({ ...reading, value }, document.mount).map(({ path, spot, fault }) => ({
    path,
    fault,
    place: () => locator.locate(path, spot),
  }));
  const unread = files.map(({ path, fault }) => ({ path, fault, place: () => locator.locate(path, 'value') }));
  return { ...part, faults: [...own, ...misnamed(reading, document.mount, locator), ...unread, ...shape] };
}

const NO_PLACES: Locator = { locate: () => ({ line: 0, column: 0 }), valueAt: () => undefined };
/** The reading's own locator holds every node of the text, and thousands of pieces are kept for long: it is made again. */
function lateLocator(text: string, environment: Environment | null, value: unknown): Locator {
  const again = once(() => readDocument(text, environment).locator);
  return { locate: (path, spot) => again().locate(path, spot), valueAt: (path) => findValue(value, path) };
}

const EMPTY_PIECE = { expected: 'a document', hint: 'delete it where it is kept, if it is to be gone' };

/** A key names its route; the document may repeat the name. */
function namedRoute(value: unknown, name: string): unknown {
  return isMapping(value) ? { ...value, name } : value;
}

function misnamed({ value }: Reading, mount: Mount, locator: Locator): PartFault[] {
  if (mount.kind !== 'route' || !isMapping(value)) return [];
  if (value['name'] === undefined || value['name'] === mount.name) return [];
  const expected = `no name, or ${JSON.stringify(mount.name)} as in the key`;
  const fault = { kind: 'pieceName', expected } as const;
  return [{ path: ['name'], fault, place: () => locator.locate(['name'], 'value') }];
}

/** What the schema finds, less the consequences of what was found already: an unset variable is no wrong type. */
function shapeFaults(reading: Reading, mount: Mount): FaultAt[] {
  const { schema, value, above } = shapeOf(reading.value, mount);
  const result = schema.safeParse(value);
  if (result.success) return [];
  const known = reading.faults.map(({ path }) => path);
  const around = {
    valueAt: (path: Path) => reading.locator.valueAt(path),
    fieldsAt: (path: Path) => (above === null ? fieldsOf(schema, path) : fieldsAt([...above, ...path])),
  };
  const below = mount.kind === 'service' ? 1 : 0;
  const found = result.error.issues.flatMap((issue) => {
    const path = (issue.path as Path).slice(below);
    return faultsOf({ ...issue, path: [...path] }, around);
  });
  return found.filter(({ path }) => !known.some((prefix) => prefix.length > 0 && startsWith(path, prefix)));
}

/** Whether some fields of a whole document have the shape that they are to have, whatever else it has. */
export function isShaped(fields: Readonly<Record<string, unknown>>): boolean {
  return rootSchema.safeParse(fields).success;
}

interface Shape {
  readonly schema: z.ZodType;
  readonly value: unknown;
  /** The path of the document among all; null: it is no part of the whole one. */
  readonly above: Path | null;
}

function shapeOf(value: unknown, mount: Mount): Shape {
  if (mount.kind === 'route') return { schema: routeSchema, value, above: ['routes', 0] };
  if (mount.kind === 'service') {
    return { schema: servicesSchema, value: { [mount.name]: value }, above: ['services', mount.name] };
  }
  if (mount.kind === 'weights') return { schema: weightsDocument, value, above: null };
  return { schema: mount.kind === 'main' ? mainSchemaFor(value) : rootSchema, value, above: [] };
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((step, index) => path[index] === step);
}
