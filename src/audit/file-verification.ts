// SPDX-License-Identifier: Apache-2.0
// Whether a file of JSON lines, an export or what sink jsonl wrote, holds what was in the chain: each digest fits its event, each
// event the one before it in the file, an export its signature. Beside the database, whether that still says the same. One
// line is in memory at a time.
import { createHash, type KeyObject } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { InvalidInput } from '../exception.js';
import type { AuditChain } from '../objects/audit-chain.js';
import { digestOf } from '../objects/audit-digest.js';
import type { SealedEvent } from '../objects/audit-digest.js';
import { readEventLine } from '../objects/audit-line.js';
import { isExportHead, readExportSeal, sealFault, type ExportSeal } from './signed-export.js';

/** What was found. */
export interface FileReport {
  readonly events: number;
  /** Events that are there again, the same. */
  readonly repeated: number;
  /** Positions between the first and the last event that the file does not have: another period, another node, or removed. */
  readonly absent: number;
  /** Events of which the database has no row any more because retention removed it. */
  readonly removed: number;
  readonly signed: boolean;
  /** What is wrong, a line for each. At most 100. */
  readonly faults: readonly string[];
}

const MOST_FAULTS = 100;
/** A message has 8,192 characters, of which each takes six in JSON at most. */
const LONGEST_LINE = 262_144;
const LINE_END = 0x0a;

/** How a file is checked. */
export interface FileCheck {
  /** Whose signature an export must have. */
  readonly key?: KeyObject | undefined;
  /** Compares with the database. */
  readonly chain?: Pick<AuditChain, 'find' | 'isRemoved'> | undefined;
}

/** Checks a file. @throws InvalidInput when it is signed and no key is given, or is no such file at all */
export async function verifyFile(path: string, check: FileCheck): Promise<FileReport> {
  const verification = new FileVerification(check);
  for await (const line of linesOf(path)) await verification.take(line);
  return verification.end();
}

class FileVerification {
  private readonly faults: string[] = [];
  private readonly hash = createHash('sha256');
  private number = 0;
  private events = 0;
  private repeated = 0;
  private absent = 0;
  private removed = 0;
  private signed = false;
  private seal: ExportSeal | null = null;
  private last: Pick<SealedEvent, 'position' | 'digest'> | null = null;

  constructor(private readonly check: FileCheck) {}

  async take(line: Buffer): Promise<void> {
    this.number += 1;
    if (this.seal !== null) {
      this.fault('it comes after the signature');
      return;
    }
    const value = parsed(line);
    if (this.number === 1 && isExportHead(value)) {
      this.signed = true;
      if (this.check.key === undefined)
        throw new InvalidInput(
          'the file is signed: give the key that it must be signed with by --public-key',
        );
    } else {
      if (this.signed) this.seal = readExportSeal(value);
      // The line of the signature is not signed itself.
      if (this.seal !== null) return;
      await this.event(value);
    }
    this.hash.update(line);
  }

  end(): FileReport {
    if (this.number === 0) throw new InvalidInput('the file is empty');
    if (this.signed) this.checkSeal();
    const { events, repeated, absent, removed, signed, faults } = this;
    return { events, repeated, absent, removed, signed, faults };
  }

  private async event(value: unknown): Promise<void> {
    let event: SealedEvent;
    try {
      event = readEventLine(value);
    } catch (error) {
      this.fault((error as Error).message);
      return;
    }
    this.events += 1;
    this.follow(event);
    const { position, previous, digest } = event;
    if (previous === null)
      this.fault(`position ${position}: cannot be checked, what was before it is not known`);
    else if (digestOf(event, position, previous) !== digest) this.fault(`position ${position}: changed`);
    else await this.compare(event, previous);
  }

  /** Compares with the event before it in the file. */
  private follow({ position, previous, digest }: SealedEvent): void {
    const { last } = this;
    if (last !== null && position <= last.position) {
      // What is delivered at least once may be there twice.
      this.repeated += 1;
      if (position === last.position && digest !== last.digest)
        this.fault(`position ${position}: twice, not the same`);
      return;
    }
    this.last = { position, digest };
    if (last === null) return;
    this.absent += position - last.position - 1;
    if (position === last.position + 1 && previous !== last.digest)
      this.fault(`position ${position}: does not follow the event before it`);
  }

  private async compare({ id, position, digest }: SealedEvent, previous: string): Promise<void> {
    const { chain } = this.check;
    if (chain === undefined) return;
    const row = await chain.find(id);
    if (row !== null) {
      if (digestOf(row, position, previous) !== digest)
        this.fault(`position ${position}: the database says something else`);
    } else if (await chain.isRemoved(position)) this.removed += 1;
    else this.fault(`position ${position}: not in the database, and retention did not remove it`);
  }

  private checkSeal(): void {
    const { seal, hash, events } = this;
    const { key } = this.check;
    if (seal === null || key === undefined) this.fault('the signature is missing: the file was cut');
    else {
      const fault = sealFault(seal, hash, events, key);
      if (fault !== null) this.fault(fault);
    }
  }

  private fault(text: string): void {
    if (this.faults.length < MOST_FAULTS) this.faults.push(`line ${this.number}: ${text}`);
  }
}

function parsed(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

/** The lines of a file, with their ends. @throws InvalidInput for one that no event has, or a file that cannot be read */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  let rest = Buffer.alloc(0);
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(LINE_END); end >= 0; end = rest.indexOf(LINE_END)) {
        yield rest.subarray(0, end + 1);
        rest = rest.subarray(end + 1);
      }
      if (rest.length > LONGEST_LINE)
        throw new InvalidInput(`${path}: a line is longer than those of audit events`);
    }
  } catch (error) {
    if (error instanceof InvalidInput) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'fault';
    throw new InvalidInput(`${path} cannot be read (${code}); name a file of JSON lines`);
  }
  if (rest.length > 0) yield rest;
}
