// SPDX-License-Identifier: Apache-2.0
// Whether viewers are shown why a console's desktop does not come up, where its source or its entry says so.

/** A source's or a console's own setting. */
export type MessageScreenSetting = 'off' | 'on';

/** The settings, as sources.yaml has them. */
export const MESSAGE_SCREEN_SETTINGS: readonly MessageScreenSetting[] = ['off', 'on'];

/** The setting that a row holds; null: none. */
export function messageScreenSettingOf(text: string | null): MessageScreenSetting | null {
  return MESSAGE_SCREEN_SETTINGS.find((setting) => setting === text) ?? null;
}
