// SPDX-License-Identifier: Apache-2.0
// An audit event as a syslog message (RFC 5424) in the frame that the stream over TLS has (RFC 5425, 4.3). Pure. The message
// is the event's line of JSON in ASCII; of structured data only what is registered with IANA is used, because an SD-ID of
// one's own takes a number of an enterprise.
import type { SealedEvent } from '../objects/audit-digest.js';
import { eventLine } from '../objects/audit-line.js';
import { VERSION } from '../version.js';
import { meaningOf } from './meaning.js';

/** RFC 5424, 6.2.1, table 1. */
const FACILITIES = {
  ...{ auth: 4, authpriv: 10, audit: 13 },
  ...{ local0: 16, local1: 17, local2: 18, local3: 19, local4: 20, local5: 21, local6: 22, local7: 23 },
} as const;

/** A facility by its name. */
export type SyslogFacility = keyof typeof FACILITIES;

/** RFC 5424, 6.2.1, table 2: what failed or was refused is a warning. */
const SEVERITIES = { success: 6, failure: 4 } as const;
/** The longest HOSTNAME, APP-NAME and MSGID: RFC 5424, 6. */
const HOSTNAME = 255;
const APP_NAME = 48;
const NIL = '-';
/** sequenceId goes from 1 to 2147483647 and begins again: RFC 5424, 7.3.1. */
const MOST_SEQUENCE = 2_147_483_647;

/** The message in its frame. @param node the node whose conductor sends it, for an event that names none */
export function syslogFrame(event: SealedEvent, facility: SyslogFacility, node: string): string {
  const message = syslogMessage(event, facility, node);
  // All of it is ASCII: characters are bytes. MSG-LEN SP SYSLOG-MSG: RFC 5425, 4.3.
  return `${message.length} ${message}`;
}

/** The message: RFC 5424, 6. ASCII only. */
export function syslogMessage(event: SealedEvent, facility: SyslogFacility, node: string): string {
  const { action, outcome } = meaningOf(event);
  const priority = FACILITIES[facility] * 8 + SEVERITIES[outcome];
  const header = [
    `<${priority}>1`,
    new Date(event.timestamp * 1000).toISOString(),
    printable(event.node ?? node, HOSTNAME),
    printable(event.service ?? 'kerbside', APP_NAME),
    event.pid === null ? NIL : String(event.pid),
    action,
  ].join(' ');
  const sequence = ((event.position - 1) % MOST_SEQUENCE) + 1;
  const data = `[meta sequenceId="${sequence}"][origin software="kerbside" swVersion="${VERSION}"]`;
  return `${header} ${data} ${asciiJson(eventLine(event))}`;
}

/** PRINTUSASCII of a length, or the NILVALUE: RFC 5424, 6. */
function printable(text: string, length: number): string {
  const clean = text.replace(/[^!-~]/g, '_').slice(0, length);
  return clean === '' ? NIL : clean;
}

/** The same JSON without a character beyond ASCII: MSG needs no byte order mark then (RFC 5424, 6.4). */
function asciiJson(json: string): string {
  return json.replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
