// SPDX-License-Identifier: Apache-2.0
// The bodies of MIGRATE_BEGIN, MIGRATE_BEGIN_SEAMLESS and MIGRATE_SWITCH_HOST, which say where a guest goes [spice.proto
// MigrationBegin, MigrationSwitchHost]:
//   u16 port, u16 sport, u32 host_size, u32 host_data, u32 cert_subject_size, u32 cert_subject_data,
//   u32 src_mig_version (MIGRATE_BEGIN_SEAMLESS only); then both texts, with their zeros. Offsets are from the body's start.
import { InvalidMessage, LimitExceeded } from './errors.js';
import { messageHeader } from './message-header.js';
import { SERVER_MESSAGE } from './message-types.js';
import { Reader } from './reader.js';
import { Writer } from './writer.js';

const FIXED_BYTES = 20;
const SEAMLESS_BYTES = 24;
/** Bytes of a host name without its zero (RFC 1035), and of a subject as the records keep it. */
const MAX_HOST_BYTES = 253;
const MAX_SUBJECT_BYTES = 1023;
/** QEMU has -1 for a port that is absent, which becomes this. */
const NO_PORT = 65_535;
/** Of names and addresses, IPv6 with its zone included. */
const HOST = /^[\w.:%-]+$/;

/** Where a guest goes, as its hypervisor says it. */
export interface MigrationDestination {
  readonly host: string;
  /** null: there is none. */
  readonly port: number | null;
  readonly tlsPort: number | null;
  /** Subject of the certificate; null: not said. */
  readonly subject: string | null;
  /** src_mig_version; null in messages without it. */
  readonly version: number | null;
}

/**
 * Reads a body.
 *
 * @param seamless it is of MIGRATE_BEGIN_SEAMLESS
 * @throws InvalidMessage, LimitExceeded
 */
export function readDestination(body: Buffer, seamless: boolean): MigrationDestination {
  const reader = new Reader(body);
  const port = reader.u16('port');
  const tlsPort = reader.u16('sport');
  const host = { size: reader.u32('host_size'), at: reader.u32('host_data') };
  const subject = { size: reader.u32('cert_subject_size'), at: reader.u32('cert_subject_data') };
  const version = seamless ? reader.u32('src_mig_version') : null;
  const name = text(reader, 'host', host, MAX_HOST_BYTES);
  if (!HOST.test(name)) throw new InvalidMessage('host', host.at, 'is neither a name nor an address');
  const dn = subject.size === 0 ? '' : text(reader, 'cert_subject', subject, MAX_SUBJECT_BYTES);
  return {
    host: name,
    port: portOf(port),
    tlsPort: portOf(tlsPort),
    subject: dn === '' ? null : dn,
    version,
  };
}

/** Where a client is sent in place of a destination: always by TLS. */
export interface ClientPlace {
  readonly host: string;
  readonly tlsPort: number;
  /** Subject that the client must find; null: the certificate names the host. */
  readonly subject: string | null;
}

/**
 * The body that sends a client there. Without a plain port: a client that is given both uses the plain one.
 *
 * @param version that of the hypervisor's message; null for messages without it
 */
export function destinationBody({ host, tlsPort, subject }: ClientPlace, version: number | null): Buffer {
  const hostBytes = Buffer.from(`${host}\0`);
  const subjectBytes = subject === null ? Buffer.alloc(0) : Buffer.from(`${subject}\0`);
  const fixed = version === null ? FIXED_BYTES : SEAMLESS_BYTES;
  const writer = new Writer(fixed + hostBytes.length + subjectBytes.length)
    .u16(0)
    .u16(tlsPort)
    .u32(hostBytes.length)
    .u32(fixed)
    .u32(subjectBytes.length)
    .u32(subjectBytes.length === 0 ? 0 : fixed + hostBytes.length);
  if (version !== null) writer.u32(version);
  return writer.raw(hostBytes).raw(subjectBytes).finish();
}

/**
 * The message MIGRATE_DST_SEAMLESS_NACK: the destination does not take the client over with its state. It has no body.
 *
 * @param serial of a full header
 */
export function seamlessNack(miniHeader: boolean, serial: bigint): Buffer {
  return messageHeader(miniHeader, { type: SERVER_MESSAGE.main.MIGRATE_DST_SEAMLESS_NACK, size: 0, serial });
}

function text(
  reader: Reader,
  field: string,
  { size, at }: { readonly size: number; readonly at: number },
  most: number,
): string {
  // The zero at the end counts.
  if (size > most + 1) throw new LimitExceeded(field, most + 1, size);
  reader.seek(field, at);
  const bytes = reader.take(field, size);
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end === -1 ? size : end);
}

function portOf(port: number): number | null {
  return port === 0 || port === NO_PORT ? null : port;
}
