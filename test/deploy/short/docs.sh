#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The documentation builds without a warning, the release notes have reno's form, and the lint of the notes finds faults.
. "$(dirname -- "${BASH_SOURCE[0]}")/../claims.sh"

notes=tox-style-scripts/release-notes.py
claim 'documentation: pages build without a warning' sphinx-build -W --keep-going -q -b html doc/source "$WORK/html"
claim 'documentation: man pages build without a warning' sphinx-build -W --keep-going -q -b man doc/source "$WORK/man"
claim 'release notes: their form is right' /usr/bin/python3 "$notes" releasenotes/notes

refused() { # refused <name> <text> <fault>
  rm -rf "$WORK/notes" && mkdir "$WORK/notes" && printf '%b' "$2" >"$WORK/notes/$1"
  /usr/bin/python3 "$notes" "$WORK/notes" >"$WORK/notes.out" && return 1
  cat "$WORK/notes.out"
  grep -qF -- "$3" "$WORK/notes.out"
}
good=a-note-0123456789abcdef.yaml
claim 'release notes: an unknown section is found' refused "$good" '---\nnews:\n  - x\n' "section 'news' is none of"
claim 'release notes: a section that is no list is found' refused "$good" '---\nfixes: x\n' 'must be a list of texts'
claim 'release notes: broken YAML is found' refused "$good" 'fixes: [\n' 'it is no YAML'
claim 'release notes: a wrong name is found' refused note.yaml '---\nfixes:\n  - x\n' 'its name must be'

finish
