// SPDX-License-Identifier: Apache-2.0
// Reads the fields of a payload: each must be of Nova's type and within Nova's length, or the message is rejected. Faults
// repeat no value: payloads hold data of users.
import { NotificationFault } from './fault.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const LONGEST_TEXT = 255;

/** An object of a message. */
export class PayloadReader {
  private readonly fields: Readonly<Record<string, unknown>>;

  /**
   * @param eventType for faults
   * @param value what should be an object
   * @param at where it stands, for faults
   * @throws NotificationFault when it is none
   */
  constructor(
    private readonly eventType: string,
    value: unknown,
    private readonly at: string,
  ) {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      this.fault('', 'is missing or no object');
    this.fields = value as Readonly<Record<string, unknown>>;
  }

  /** An object in this one. @throws NotificationFault */
  object(field: string): PayloadReader {
    return new PayloadReader(this.eventType, this.fields[field], `${this.at}.${field}`);
  }

  /** The uuid of the instance, in lower case. @throws NotificationFault */
  uuid(field: string): string {
    const value = this.fields[field];
    if (typeof value !== 'string' || !UUID.test(value)) this.fault(field, 'is missing or no uuid');
    return value.toLowerCase();
  }

  /** A text that must be there. @throws NotificationFault */
  text(field: string): string {
    return this.optional(field) ?? this.fault(field, 'is missing or empty');
  }

  /** A text; null when absent, null or empty (the unversioned format writes nothing so). @throws NotificationFault */
  optional(field: string): string | null {
    const value = this.fields[field] ?? '';
    if (typeof value !== 'string') this.fault(field, 'is no text');
    const text = value;
    if (text.length > LONGEST_TEXT) this.fault(field, `is longer than ${LONGEST_TEXT} characters`);
    return text === '' ? null : text;
  }

  /** Yes or no; null when absent. @throws NotificationFault */
  flag(field: string): boolean | null {
    const value = this.fields[field] ?? null;
    if (value !== null && typeof value !== 'boolean') this.fault(field, 'is neither true nor false');
    return value;
  }

  /** The members of an object, as they are; null when it is absent or no object: nothing but hints is in it. */
  members(field: string): Readonly<Record<string, unknown>> | null {
    const value = this.fields[field];
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null;
  }

  private fault(field: string, what: string): never {
    const place = field === '' ? this.at : `${this.at}.${field}`;
    throw new NotificationFault(`${this.eventType}: ${place} ${what}`);
  }
}
