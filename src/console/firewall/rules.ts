// SPDX-License-Identifier: Apache-2.0
// The names of the rules, as the metric and the audit have them. Names that operators watch: never changed, only added to.
// disallowed_type, size_cap and rate_cap are those of the original.

/** Each rule's name. */
export const RULE = {
  /** A message type that the channel does not have in this direction. */
  type: 'disallowed_type',
  /** A body that is larger than its receiver takes. */
  size: 'size_cap',
  /** A body that is smaller than its fixed part, or whose entries are not whole. */
  bodySize: 'body_size',
  /** More messages or bytes a second than are allowed. */
  rate: 'rate_cap',
  /** A part for the agent without a token; judged where tokens are given back, in src/console/guest-policy. */
  agentTokens: 'agent_tokens',
  /** A part of an agent message that does not begin or end where it must. */
  agentChunk: 'agent_chunk',
  /** An agent message of another protocol, or of an unknown type. */
  agentType: 'agent_type',
  /** An agent message whose size is not that of its type. */
  agentSize: 'agent_size',
  /** A monitor configuration whose count lies, or is absurd. */
  monitorsConfig: 'monitors_config',
  /** A key code that ends in the middle. */
  keyScancode: 'key_scancode',
  /** The sizes of a display's caches are negative, or are said twice. */
  displayInit: 'display_init',
  /** A report on a stream that no server has. */
  streamReport: 'stream_report',
  /** A list of video codecs whose count lies. */
  videoCodecs: 'video_codecs',
  /** Audio in a form that does not exist. */
  audioMode: 'audio_mode',
  /** Compressed data that cannot become what it says. */
  compressedData: 'compressed_data',
  /** An event of a port that does not exist, or a port's name outside its message. */
  portEvent: 'port_event',
  /** A smartcard message whose length lies, or of an unknown type. */
  smartcardHeader: 'smartcard_header',
  /** A count in a message of the backend that is not that of its entries. */
  listCount: 'list_count',
  /** The end of a migration's flush that nobody has asked for. */
  flushMark: 'flush_mark',
} as const;
