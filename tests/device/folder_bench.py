"""A folder of their own for tests of files, on whichever runtime."""

import os

from firmware import storage


def in_folder(folder, is_made=True, restore=None):
    """Return a decorator: the test in that folder, empty, which goes away with it. Unless `is_made`, it is
    not there at first. `restore()` undoes what a test has put in another's place.
    """

    def decorate(test):
        def run(*args):
            empty(folder)
            if is_made:
                storage.make_folder(folder)
            try:
                return test(*args)
            finally:
                if restore:
                    restore()
                empty(folder)

        return run

    return decorate


def empty(folder):
    """Remove the folder and what is in it, if it is there."""
    try:
        for name in os.listdir(folder):
            os.remove(folder + "/" + name)
        os.rmdir(folder)
    except OSError:
        pass  # it was not there
