// SPDX-License-Identifier: Apache-2.0
// [guest_policy]: what data may enter and leave a desktop.
import type { GroupSpec } from './types.js';
import { USB_RULE_PATTERN } from './usb-rule.js';

/** The options of [guest_policy]. */
export const GUEST_POLICY_GROUP = {
  name: 'guest_policy',
  help:
    'What data may enter and leave a desktop. A source, a project, a flavor or image, and a console may say otherwise for ' +
    'each of these; the narrowest of them holds.',
  options: {
    clipboard: {
      type: 'choice',
      default: 'both',
      choices: ['none', 'to-guest', 'from-guest', 'both'],
      mutable: true,
      help: 'In which direction text, pictures and files may be copied by the clipboard, and by selecting with the mouse.',
    },
    file_transfer: {
      type: 'choice',
      default: 'to-guest',
      choices: ['none', 'to-guest'],
      mutable: true,
      help: 'Whether files that are dragged onto the window are sent to the guest.',
    },
    folder_sharing: {
      type: 'boolean',
      default: true,
      mutable: true,
      help: 'Whether a folder of the user may be opened in the guest (the webdav channel). Files go both ways by it.',
    },
    usb: {
      type: 'list',
      item: 'word',
      pattern: USB_RULE_PATTERN,
      default: ['*'],
      minItems: 1,
      mutable: true,
      help:
        'The USB devices of the user that the guest may be given: "*" any, "none" none, or a list of device classes and of ' +
        'vendors with their products, such as "class:08, 046d:c52b" (in hexadecimal, as lsusb shows them). A device whose ' +
        'class is told by its interfaces is let through when each of them has a class of the list.',
    },
    smartcard: {
      type: 'boolean',
      default: true,
      mutable: true,
      help: 'Whether smartcards of the user may be used in the guest.',
    },
    audio_playback: {
      type: 'boolean',
      default: true,
      mutable: true,
      help: 'Whether the sound of the guest is heard.',
    },
    audio_record: {
      type: 'boolean',
      default: true,
      mutable: true,
      help: 'Whether the microphone of the user may be used in the guest.',
    },
    view_only: {
      type: 'boolean',
      default: false,
      mutable: true,
      help: 'Whether users only look: no key, no mouse, and nothing for the agent in the guest.',
    },
    max_monitors: {
      type: 'integer',
      default: 0,
      min: 0,
      max: 256,
      mutable: true,
      help: 'How many monitors a desktop may have. 0: as many as the guest has.',
    },
    trust_metadata: {
      type: 'boolean',
      default: false,
      mutable: true,
      help:
        'Whether the metadata of an instance in Nova counts (kerbside_<key>). Whoever owns an instance may change it: with ' +
        'true, users say themselves what may enter and leave their desktops.',
    },
    image_properties: {
      type: 'choice',
      default: 'narrow',
      choices: ['narrow', 'trust', 'ignore'],
      help:
        'What the properties of images in Glance (kerbside_<key>) may do. Users may upload images: with "narrow" a property ' +
        'takes away and never gives more than deployment, source and project do. "trust" lets it give more, too: for clouds ' +
        'that protect these properties. "ignore": Glance is not asked.',
    },
  },
} as const satisfies GroupSpec;
