// SPDX-License-Identifier: Apache-2.0
// What can be wrong with a peer's bytes. The kind of fault is the type, so that the caller can choose the
// answer, the log level and the metric without reading text. No message ever holds bytes of a ticket.

/** Base of all faults that a peer's bytes can have. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = new.target.name;
  }
}

/** The bytes are no legal SPICE: a field holds a value that no peer may send. */
export class InvalidMessage extends ProtocolError {
  /**
   * @param field name of the struct member, as in protocol.h
   * @param offset where the member starts, bytes from the start of its struct
   * @param fault what is wrong with it
   */
  constructor(
    readonly field: string,
    readonly offset: number,
    fault: string,
  ) {
    super(`${field} at byte ${offset}: ${fault}`);
  }
}

/** Legal bytes at the wrong time or in the wrong place. */
export class PeerMisbehaved extends ProtocolError {}

/** Legal bytes, but the peer speaks nothing that is spoken here. */
export class PeerIncompatible extends ProtocolError {}

/** A length or a count of the peer is above a named maximum. */
export class LimitExceeded extends ProtocolError {
  /**
   * @param limit name of the quantity, for people
   * @param maximum the largest value that is accepted
   * @param got what the peer asked for
   */
  constructor(
    readonly limit: string,
    readonly maximum: number,
    readonly got: number,
  ) {
    super(`${limit} is ${got}, the limit is ${maximum}`);
  }
}
