// SPDX-License-Identifier: Apache-2.0
// Whether the display channels of a console's sessions are paced on slow links, where its source or its entry says so.

/** `auto`: where it is of use. */
export type PacingMode = 'auto' | 'on' | 'off';

/** The modes, as sources.yaml has them. */
export const PACING_MODES: readonly PacingMode[] = ['auto', 'on', 'off'];

/** The mode that a row holds; null: none. */
export function pacingModeOf(text: string | null): PacingMode | null {
  return PACING_MODES.find((mode) => mode === text) ?? null;
}
