# SPDX-License-Identifier: Apache-2.0
"""Looks through release notes in reno's form: release-notes.py FOLDER.

One line for each fault; exit status 1 when there is any.
"""

import pathlib
import re
import sys

import yaml

#: Sections of reno that our notes use.
SECTIONS = ("prelude", "features", "issues", "upgrade", "deprecations", "critical", "security", "fixes", "other")
#: A slug and 16 hexadecimal digits, so that no two notes have one name.
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{16}\.yaml")


def faults_of(path):
    """Yield what is wrong with a note."""
    if NAME.fullmatch(path.name) is None:
        yield "its name must be words with dashes, a dash, 16 hexadecimal digits and .yaml"
    try:
        note = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        yield f"it is no YAML: {' '.join(str(error).split())}"
        return
    if not isinstance(note, dict) or not note:
        yield "it must have sections"
        return
    for section, entries in note.items():
        if section not in SECTIONS:
            yield f"section {section!r} is none of {', '.join(SECTIONS)}"
        elif section == "prelude":
            if not isinstance(entries, str):
                yield "the prelude must be a text"
        elif not isinstance(entries, list) or not all(isinstance(entry, str) and entry.strip() for entry in entries):
            yield f"section {section!r} must be a list of texts"


def main(folder):
    """Look through a folder; give the exit status."""
    notes = sorted(pathlib.Path(folder).iterdir())
    faults = [f"{path}: {fault}" for path in notes for fault in faults_of(path)]
    suffixes = {}
    for path in notes:
        suffixes.setdefault(path.stem[-16:], []).append(path.name)
    faults += [f"{folder}: {' and '.join(names)} have one id" for names in suffixes.values() if len(names) > 1]
    print(*faults, sep="\n", end="\n" if faults else "")
    if not notes:
        print(f"{folder}: there are no notes")
    return 1 if faults or not notes else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
