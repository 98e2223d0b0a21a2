// SPDX-License-Identifier: Apache-2.0
// Named queries on sources. Plain reads and writes of one table, by TypeORM's repository; one is a raw statement: it
// decides which of many processes with the same fault is the first. Drivers read the definitions of their sources here,
// once for each request to a platform, which takes milliseconds: 50 µs by the repository, 12 by a raw statement.
import { IsNull, MoreThan, Not } from 'typeorm';
import { DuplicateRow } from '../faults.js';
import { SourceModel, type SourceRow } from '../models/source.js';
import type { Statements } from '../statements.js';

/** A source without its password. */
export type ShownSourceRow = Omit<SourceRow, 'password'>;

/** What sources.yaml decides; `password` is encrypted. */
export type ConfiguredSource = Omit<SourceRow, 'last_seen' | 'seen_by' | 'errored' | 'error' | 'deleted'>;

const SHOWN = {
  ...{ name: true, type: true, last_seen: true, seen_by: true, errored: true, error: true, url: true },
  ...{ ca_cert: true, username: true, project_name: true, user_domain_id: true, project_domain_id: true },
  ...{ deleted: true, options: true, settings: true },
} as const satisfies Record<keyof ShownSourceRow, true>;

/** Inserts or updates what sources.yaml decides, and clears `deleted`. */
export async function upsertSource(db: Statements, row: ConfiguredSource): Promise<void> {
  if (await update(db, row)) return;
  try {
    await db.table(SourceModel).insert({ ...row, errored: 0, deleted: 0 });
  } catch (error) {
    // Another node was faster.
    if (!(error instanceof DuplicateRow)) throw error;
    await update(db, row);
  }
}

async function update(db: Statements, { name, ...row }: ConfiguredSource): Promise<boolean> {
  const { affected } = await db.table(SourceModel).update({ name }, { ...row, deleted: 0 });
  return affected === 1;
}

/** A good discovery. */
export async function markSourceSeen(db: Statements, name: string, node: string, now: number): Promise<void> {
  await db.table(SourceModel).update({ name }, { last_seen: now, seen_by: node });
}

/** Sets or clears the error; false when it was so already. Of any number of processes that write the same one gets true. */
export async function setSourceError(db: Statements, name: string, text: string | null): Promise<boolean> {
  const matched = await db.execute(
    "UPDATE sources SET errored = ?, error = ? WHERE name = ? AND COALESCE(error, '') <> ?",
    [text === null ? 0 : 1, text, name, text ?? ''],
  );
  return matched > 0;
}

/** Soft-deletes; false when there was nothing to delete. */
export async function deleteSource(db: Statements, name: string): Promise<boolean> {
  const { affected } = await db.table(SourceModel).update({ name, deleted: 0 }, { deleted: 1 });
  return affected === 1;
}

/** Sources after `marker` by name. */
export function listSources(
  db: Statements,
  marker: string,
  limit: number,
  withDeleted: boolean,
): Promise<ShownSourceRow[]> {
  return db.table(SourceModel).find({
    select: SHOWN,
    where: { name: MoreThan(marker), ...(withDeleted ? {} : { deleted: 0 }) },
    order: { name: 'ASC' },
    take: limit,
  });
}

/** One source, a deleted one too. */
export function findSource(db: Statements, name: string): Promise<ShownSourceRow | null> {
  return db.table(SourceModel).findOne({ select: SHOWN, where: { name } });
}

/** Sources of one platform with their encrypted passwords, those of a deleted source left out. */
export function listSourcesOfType(db: Statements, type: string): Promise<SourceRow[]> {
  return db.table(SourceModel).find({ where: { type, deleted: 0 }, order: { name: 'ASC' } });
}

/** The encrypted password; null when there is none. */
export async function findSourcePassword(db: Statements, name: string): Promise<string | null> {
  const source = await db
    .table(SourceModel)
    .findOne({ select: { name: true, password: true }, where: { name } });
  return source?.password ?? null;
}

/** Sources that have a password, for rotation. */
export async function listSourcePasswords(db: Statements): Promise<{ name: string; password: string }[]> {
  const rows = await db
    .table(SourceModel)
    .find({ select: { name: true, password: true }, where: { password: Not(IsNull()) } });
  return rows.map(({ name, password }) => ({ name, password: password ?? '' }));
}

/** Replaces an encrypted password unless it changed meanwhile. */
export async function replaceSourcePassword(
  db: Statements,
  name: string,
  from: string,
  to: string,
): Promise<void> {
  await db.table(SourceModel).update({ name, password: from }, { password: to });
}
