# SPDX-License-Identifier: Apache-2.0
"""Rules for our Dockerfiles: dockerfile-lint.py [--leaf] FILE...

Of every file: stages that exist, nothing that compiles in the last one, packages without recommendations and without their
lists, no secrets, no address to fetch from, nothing `latest`. With --leaf also: a user that is not root, a health check.
Prints the faults, one a line; exit status 1 when there is one.
"""
import re
import sys

INSTRUCTIONS = {
    'ADD', 'ARG', 'CMD', 'COPY', 'ENTRYPOINT', 'ENV', 'EXPOSE', 'FROM', 'HEALTHCHECK', 'LABEL', 'RUN', 'STOPSIGNAL', 'USER',
    'VOLUME', 'WORKDIR',
}
COMPILERS = {'build-essential', 'g++', 'gcc', 'gcc-c++', 'make', 'cmake', 'npm', 'nodejs', 'python3-dev', 'git'}


def instructions(text):
    """(line number, instruction, arguments) with continuation lines joined and comments left out."""
    joined, begin = '', 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith('#') or not (line.strip() or joined):
            continue
        begin = begin if joined else number
        joined += line.rstrip()
        if joined.endswith('\\'):
            joined = joined[:-1] + ' '
            continue
        word, _, rest = joined.strip().partition(' ')
        if word:
            yield begin, word, rest.strip()
        joined = ''
    if joined.strip():
        yield begin, '\\', 'the last line ends in a backslash'


def faults(text, leaf):
    """Yields (line number, fault)."""
    found = list(instructions(text))
    stages = [index for index, (_, word, _) in enumerate(found) if word == 'FROM']
    if not stages:
        yield 1, 'no FROM'
        return
    names = set()
    for index, (line, word, rest) in enumerate(found):
        final = index >= stages[-1]
        if word not in INSTRUCTIONS:
            yield line, f'{word} {rest[:40]}: no such instruction'
        if word == 'FROM':
            image, *alias = re.split(r'\s+[Aa][Ss]\s+', rest)
            if image.endswith(':latest') or not re.search(r'[:$@]', image):
                yield line, f'FROM {image}: name a version'
            names.update(alias)
        source = re.match(r'--from=(\S+)', rest) if word == 'COPY' else None
        if source and source[1] not in names:
            yield line, f'COPY --from={source[1]}: there is no such stage'
        if word == 'ADD' and re.search(r'https?://', rest):
            yield line, 'ADD of an address: fetch with a checksum'
        if word in ('ARG', 'ENV') and re.search(r'(?i)(password|secret|token|_key)\b', rest):
            yield line, f'{word}: secrets stay in the history of an image'
        if word in ('CMD', 'ENTRYPOINT') and not rest.startswith('['):
            yield line, f'{word} without brackets runs under a shell, which signals do not pass'
        for install in re.findall(r'(?:apt-get|dnf|apt)\b[^&|;]*\binstall\b([^&|;]*)', rest) if word == 'RUN' else []:
            packages = set(install.split())
            if final and packages & COMPILERS:
                yield line, f'{", ".join(sorted(packages & COMPILERS))} in the last stage'
            if 'apt-get' in rest and '--no-install-recommends' not in rest:
                yield line, 'apt-get install without --no-install-recommends'
            if final and 'apt-get' in rest and '/var/lib/apt/lists' not in rest:
                yield line, 'the lists of apt stay in the last stage'
    if not leaf:
        return
    last = {word: rest for _, word, rest in found[stages[-1]:]}
    if re.match(r'(root|0)?(:|$)', last.get('USER', '')):
        yield found[-1][0], 'runs as root: end with USER'
    if 'CMD' not in last.get('HEALTHCHECK', ''):
        yield found[-1][0], 'no HEALTHCHECK'


def main(arguments):
    leaf = '--leaf' in arguments
    bad = 0
    for path in (argument for argument in arguments if argument != '--leaf'):
        with open(path, encoding='utf-8') as file:
            for line, fault in faults(file.read(), leaf):
                print(f'{path}:{line}: {fault}')
                bad = 1
    return bad


sys.exit(main(sys.argv[1:]))
