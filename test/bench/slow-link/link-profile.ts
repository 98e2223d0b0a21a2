// SPDX-License-Identifier: Apache-2.0
// The links that are tried, and how they are written: `80:10` is 80 ms there and back at 10 Mbit/s, `lan` a local network;
// `80:10+loss` loses packets as well, `80:50~5` changes between two rates while keys are pressed.

/** A link as the emulator is told of it. */
export interface LinkProfile {
  /** As it is written. */
  readonly name: string;
  readonly roundTripMs: number;
  readonly mbit: number;
  /** The rate that it goes to and comes back from; null: it keeps its rate. */
  readonly otherMbit: number | null;
  /** Packets lost of a million, in each direction. */
  readonly lostOfMillion: number;
  /** Bytes of each direction's queue. */
  readonly queueBytes: number;
}

const LOST_OF_MILLION = 5000;
const LAN = { roundTripMs: 0.5, mbit: 1000 };
/** Twenty packets: routers have at least that. */
const LEAST_QUEUE_BYTES = 30_000;
const LAN_QUEUE_BYTES = 1_000_000;
const PATTERN = /^(?:lan|(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)(?:~(\d+(?:\.\d+)?))?)(\+loss)?$/;

/** The links of the full run. */
export const LINKS: readonly string[] = [
  ...['20:50', '80:10', '80:50', '150:4', '80:2', 'lan'].flatMap((name) => [name, `${name}+loss`]),
  '80:50~5',
];

/**
 * Reads a link. Its queue holds what is under way at its rate (one bandwidth-delay product), as in routers whose buffers
 * were chosen well; it keeps its size when the rate changes.
 *
 * @throws Error that says how a link is written
 */
export function readLink(name: string): LinkProfile {
  const match = PATTERN.exec(name);
  if (match === null)
    throw new Error(
      `"${name}" is no link: write RTT:MBIT, RTT:MBIT~MBIT or lan, with +loss for lost packets`,
    );
  const [, roundTrip, rate, other, loss] = match;
  const roundTripMs = roundTrip === undefined ? LAN.roundTripMs : Number(roundTrip);
  const mbit = rate === undefined ? LAN.mbit : Number(rate);
  if (roundTripMs > 2000 || mbit < 0.1 || mbit > 1000)
    throw new Error(`"${name}": a link has at most 2000 ms, and from 0.1 to 1000 Mbit/s`);
  const least = rate === undefined ? LAN_QUEUE_BYTES : LEAST_QUEUE_BYTES;
  return {
    name,
    roundTripMs,
    mbit,
    otherMbit: other === undefined ? null : Number(other),
    lostOfMillion: loss === undefined ? 0 : LOST_OF_MILLION,
    queueBytes: Math.max(least, Math.round(roundTripMs * mbit * 125)),
  };
}

/** Whether it is the local network, on which nothing may cost anything. */
export function isLan({ name }: LinkProfile): boolean {
  return name.startsWith('lan');
}
