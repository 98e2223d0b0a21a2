// SPDX-License-Identifier: Apache-2.0
// What a recording says of itself in the clear: enough to list recordings, and to find one, without the private key. It is
// sealed with every chunk, so that nobody changes it unseen.

/** Bytes of the metadata at most. */
export const METADATA_MAX_BYTES = 16_384;
const TEXT_MAX = 255;

/** Which session it is of, and since when. */
export interface RecordingMetadata {
  readonly sessionId: string;
  readonly source: string;
  /** The console's. */
  readonly uuid: string;
  readonly name: string;
  readonly projectId: string | null;
  /** Whom the session's token was made for. */
  readonly user: string;
  readonly clientIp: string;
  /** The node that wrote it. */
  readonly node: string;
  /** Microseconds since the epoch. */
  readonly begin: number;
  /** Whether keys, clipboard and devices are in it. */
  readonly recordInput: boolean;
}

/** The metadata as JSON. */
export function metadataBytes(metadata: RecordingMetadata): Buffer {
  const cut = (text: string): string => text.slice(0, TEXT_MAX);
  return Buffer.from(
    JSON.stringify({
      session_id: cut(metadata.sessionId),
      source: cut(metadata.source),
      uuid: cut(metadata.uuid),
      name: cut(metadata.name),
      project_id: metadata.projectId === null ? null : cut(metadata.projectId),
      user: cut(metadata.user),
      client_ip: cut(metadata.clientIp),
      node: cut(metadata.node),
      begin: metadata.begin,
      record_input: metadata.recordInput,
    }),
  );
}

/** Reads metadata; null: they are none. */
export function metadataOf(bytes: Buffer): RecordingMetadata | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  const fields = parsed as Record<string, unknown>;
  const text = (key: string): string | null => {
    const value = fields[key];
    return typeof value === 'string' && value.length <= TEXT_MAX ? value : null;
  };
  const sessionId = text('session_id');
  const { begin, record_input: recordInput } = fields;
  if (sessionId === null || typeof begin !== 'number' || !Number.isSafeInteger(begin) || begin < 0)
    return null;
  return {
    ...{ sessionId, begin, recordInput: recordInput === true },
    ...{ source: text('source') ?? '', uuid: text('uuid') ?? '', name: text('name') ?? '' },
    ...{ projectId: text('project_id'), user: text('user') ?? '', clientIp: text('client_ip') ?? '' },
    node: text('node') ?? '',
  };
}
