"""Coverage-guided fuzzing of one target by Atheris, for so many seconds:

    fuzz.py TARGET SECONDS CORPUS NEW FOUND

CORPUS is the folder that is kept. What reaches further goes to NEW, and what breaks a promise becomes FOUND…,
to be tried again with `fuzz.py TARGET 0 FOUND`. `make fuzz` runs all targets: see run.py.
"""

import sys

import atheris

with atheris.instrument_imports(include=["firmware", "jwt", "strictjson", "base64url"]):
    import targets


def main(name: str, seconds: str, corpus: str, new: str = "", found: str = "") -> None:
    target = targets.TARGETS[name]
    if seconds == "0":
        with open(corpus, "rb") as file:
            print(target(file.read()))
        return
    # libFuzzer writes what is new into the first folder, and reads all of them.
    options = [f"-max_total_time={seconds}", "-max_len=6000", f"-artifact_prefix={found}", "-verbosity=0"]
    atheris.Setup(["fuzz", *options, new, corpus], lambda data: target(bytes(data)) and None)
    atheris.Fuzz()


main(*sys.argv[1:])
