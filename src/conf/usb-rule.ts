// SPDX-License-Identifier: Apache-2.0
// How a rule of [guest_policy] usb is written: in the options, in sources.yaml, and in flavors, images and metadata.

/** A rule, and how to write one. */
export const USB_RULE_PATTERN = {
  accepts: /^(none|\*|class:[0-9a-f]{2}|[0-9a-f]{4}:[0-9a-f]{4})$/i,
  expected: 'none, *, class:<two hex digits> such as class:08, or <vendor>:<product> such as 046d:c52b',
} as const;
