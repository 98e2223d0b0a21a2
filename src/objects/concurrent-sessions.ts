// SPDX-License-Identifier: Apache-2.0
// What happens to a second session at a console while the first one lives: the setting, and what it comes to for one user.

/** [console] concurrent_sessions, and what a source or a console says for itself. */
export type ConcurrentSessionsSetting = 'auto' | 'replace' | 'refuse' | 'share';

/** The settings, as sources.yaml has them. */
export const CONCURRENT_SESSIONS_SETTINGS = [
  'auto',
  'replace',
  'refuse',
  'share',
] as const satisfies readonly ConcurrentSessionsSetting[];

/** What holds for one user: the first session ends, the second is refused, or both live. */
export type ConcurrentSessions = Exclude<ConcurrentSessionsSetting, 'auto'>;

/** The setting that a row holds; null: none. */
export function concurrentSessionsOf(text: string | null): ConcurrentSessionsSetting | null {
  return CONCURRENT_SESSIONS_SETTINGS.find((setting) => setting === text) ?? null;
}

/**
 * What holds for a session.
 *
 * @param replaces whether its user may end the session of another one, and wants to
 */
export function concurrencyFor(setting: ConcurrentSessionsSetting, replaces: boolean): ConcurrentSessions {
  switch (setting) {
    case 'auto':
    case 'refuse':
      return replaces ? 'replace' : 'refuse';
    case 'replace':
    case 'share':
      return setting;
  }
}

/**
 * When a user's session ends that of another one: nowhere; where the setting leaves it to who they are; or also where others
 * are refused, because they have asked for it.
 */
export type Replacing = 'never' | 'where_auto' | 'always';

/** Whether a session replaces another one where this setting holds. */
export function replacesUnder(setting: ConcurrentSessionsSetting, replacing: Replacing): boolean {
  return replacing === 'always' || (replacing === 'where_auto' && setting === 'auto');
}

const REPLACED_BY = 'replaced by ';
const LONGEST_REASON = 255;

/** The reason of a session that gave way to one of this user. */
export function replacedBy(user: string): string {
  return `${REPLACED_BY}${user}`.slice(0, LONGEST_REASON);
}

/** Whether this is the reason of a session that gave way to another. */
export function isReplaced(reason: string | null): boolean {
  return reason?.startsWith(REPLACED_BY) === true;
}
