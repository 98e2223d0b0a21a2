# SPDX-License-Identifier: Apache-2.0
"""What a process is that a test runs the openstack command in; it loads nothing that the command does not need."""

import importlib
import io
import os
import sys
import time

#: The module of the command, which takes a second to load.
SHELL = "openstackclient.shell"


def run(words, environment, output, errors):
    """Be the command, in a group of its own; never return.

    :param environment: the variables that it has, and no others
    :param output: path of the file that takes its standard output
    :param errors: the same for its standard error
    """
    os.setpgid(0, 0)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    sys.argv[:] = ["openstack", *words]
    for descriptor, path in ((1, output), (2, errors)):
        os.dup2(os.open(path, os.O_WRONLY), descriptor)
    sys.stdout = io.TextIOWrapper(open(1, "wb", 0, closefd=False), encoding="utf-8", write_through=True)
    sys.stderr = io.TextIOWrapper(open(2, "wb", 0, closefd=False), encoding="utf-8", write_through=True)
    status = 70
    try:
        status = importlib.import_module(SHELL).main(list(words))
    except SystemExit as end:
        status = end.code or 0
    finally:
        os._exit(status)
