/**
 * Checks alerts against the rest of the document: what rules and the digest name is there, and can take what it is sent.
 */

import { similarTo } from '../../lib/text/similar.ts';
import { CHATS } from '../../model/threads/load/alerts.ts';
import { didYouMean } from '../problems/fault.ts';
import type { Path, Report } from '../problems/report.ts';
import { CHANNELS_MAX } from '../schema/alerts.ts';
import type { DocumentInput } from '../schema.ts';

type AlertsInput = NonNullable<DocumentInput['alerts']>;

/** Of routes and services, the names alone. */
export interface AlertsDraft {
  readonly whole:
    | (Pick<DocumentInput, 'alerts'> & {
        readonly routes: readonly { readonly name: string }[];
        readonly services: Readonly<Record<string, unknown>>;
      })
    | null;
}

/** Reports names of channels, routes and services that are not there, and a digest for what keeps no text. */
export function checkAlerts({ whole }: AlertsDraft, report: Report): void {
  const alerts = whole?.alerts;
  if (whole === null || alerts === undefined) return;
  const channels = Object.keys(alerts.channels);
  checkCount(channels.length, report);
  const routes = whole.routes.map(({ name }) => name);
  const services = Object.keys(whole.services);
  for (const [index, rule] of (alerts.rules ?? []).entries()) {
    const at = ['alerts', 'rules', index];
    checkNames([...at, 'channels'], rule.channels, { known: channels, what: 'channel' }, report);
    checkNames([...at, 'routes'], rule.routes, { known: routes, what: 'route' }, report);
    checkNames([...at, 'services'], rule.services, { known: services, what: 'service' }, report);
  }
  checkDigest(alerts, channels, report);
}

function checkCount(count: number, report: Report): void {
  if (count >= 1 && count <= CHANNELS_MAX) return;
  report.add(['alerts', 'channels'], {
    kind: 'alertChannel',
    expected: `1 to ${CHANNELS_MAX} channels`,
    got: `${count}`,
  });
}

function checkDigest({ channels, digest }: AlertsInput, known: readonly string[], report: Report): void {
  const at = ['alerts', 'digest', 'channels'];
  checkNames(at, digest?.channels, { known, what: 'channel' }, report);
  for (const [index, name] of (digest?.channels ?? []).entries()) {
    const type = channels[name]?.type;
    if (type === undefined || CHATS.has(type)) continue;
    const hint = `${type} keeps alerts that begin and end; name a chat or a webhook`;
    report.add([...at, index], { kind: 'alertReference', expected: 'a channel that takes text', got: type, hint });
  }
}

function checkNames(
  path: Path,
  names: readonly string[] | undefined,
  { known, what }: { readonly known: readonly string[]; readonly what: string },
  report: Report,
): void {
  for (const [index, name] of (names ?? []).entries()) {
    if (known.includes(name)) continue;
    const meant = similarTo(name, known);
    const hint = meant === null ? '' : didYouMean(meant);
    report.add([...path, index], { kind: 'alertReference', expected: `the name of a ${what}`, got: name, hint });
  }
}
