#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The patch for Skyline: its form, and that what it adds says whose it is. The long lane applies it to a checkout.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"
patch=clients/skyline/kerbside.patch

added_only() {
  git apply --numstat "$patch" >"$WORK/numstat" || return 1
  awk '$2 != 0 { print; bad = 1 } END { exit bad || NR != 7 }' "$WORK/numstat"
}
claim 'Skyline patch: it takes nothing away' added_only
new_files() {
  (cd "$WORK" && git init -q new && cd new && git apply --include='src/client/kerbside/*' --include='*/Desktop*.jsx' -) <"$patch" || return 1
  find "$WORK/new/src" -type f >"$WORK/files"
  [ "$(wc -l <"$WORK/files")" -eq 4 ] && ! xargs grep -L '^// SPDX-License-Identifier: Apache-2.0' <"$WORK/files" | grep .
}
claim 'Skyline patch: four files, each with its licence' new_files
languages() {
  # Each language that it touches has the same words.
  diff <(words en) <(words zh-hans)
}
words() { awk -v file="src/locales/$1.json" '/^diff / { on = index($0, file) } on && /^\+  "/ { print }' "$patch" | sed 's/": .*//' | sort; }
claim 'Skyline patch: both languages have every word' languages
finish
