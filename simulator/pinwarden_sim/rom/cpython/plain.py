"""Runs a plain script on CPython with the board's libraries and stand-ins in front: plain.py SCRIPT
[ARGUMENT ...].

The environment variable PINWARDEN_PATH holds the folders that come first on sys.path.
"""

import os
import runpy
import sys

import as_micropython

as_micropython.install(os.environ["PINWARDEN_PATH"].split(os.pathsep))
del sys.argv[0]
sys.path.insert(0, os.path.dirname(os.path.abspath(sys.argv[0])))
runpy.run_path(sys.argv[0], run_name="__main__")
