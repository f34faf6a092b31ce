"""CPython's stand-in for the module `micropython`: the compiler's directives do nothing here, and nothing
is measured.
"""


def const(value):
    return value


def _as_is(function):
    return function


native = viper = bytecode = asm_thumb = asm_xtensa = _as_is


def schedule(function, argument):
    """Run `function` soon: here, at once. The board runs it between two bytecodes."""
    function(argument)


def alloc_emergency_exception_buf(size):
    pass


def opt_level(level=None):
    return 0


def mem_info(verbose=None):
    print("mem: not measured on CPython")


def qstr_info(verbose=None):
    pass


def stack_use():
    return 0


def heap_lock():
    return 1


def heap_unlock():
    return 0


def kbd_intr(character):
    pass
