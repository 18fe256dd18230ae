/** A state directory on a disk that comes and goes. */

import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Decision } from '#src/model/slo.ts';
import { readLog } from '#src/state/read.ts';

/** A directory that is taken away and brought back, each in one step: where nothing is, who looks meanwhile makes a new one. */
export class Disk {
  readonly path: string;

  constructor(folder: string) {
    this.path = join(folder, 'state');
    mkdirSync(`${this.path}.there`);
    writeFileSync(`${this.path}.away`, '');
    this.bringBack();
  }

  takeAway(): void {
    this.#leadTo('away');
  }

  bringBack(): void {
    this.#leadTo('there');
  }

  #leadTo(place: 'there' | 'away'): void {
    symlinkSync(`${this.path}.${place}`, `${this.path}.link`);
    renameSync(`${this.path}.link`, this.path);
  }

  /** Kinds of the decisions in the log. */
  decisions(): readonly string[] {
    const bodies = [...readLog(this.path)].flatMap((line) => (line.kind === 'decision' ? [line.body] : []));
    return bodies.map((body) => (JSON.parse(body) as Decision).kind);
  }
}
