"""Moves the stand-ins' objects out of the firmware's memory, behind the image that their bytecode is in: on a
board they are in ROM, too. On MicroPython only.

Modules are copied with all that they consist of, and sys.modules leads to the copies from then on. Nobody can
change them any more, as with a module in ROM. The layouts are those of
MicroPython's py/obj.h, objfun.h, bc.h and emitglue.h, in words of 64 bits; the host tries them before it uses
an image (rom_image.py).
"""

import struct
import sys

import uctypes

_FIXED = 2  # of a map's flags: its table cannot be changed
_WORD = 8  # octets
_KEPT = 256  # words, at the most


def words(at, count):
    """Memory, as numbers."""
    return struct.unpack_from("<%dQ" % count, uctypes.bytearray_at(at, count * _WORD))


def put(at, place, word):
    """Write one of them."""
    struct.pack_into("<Q", uctypes.bytearray_at(at, (place + 1) * _WORD), place * _WORD, word)


class Burner:
    """Moves `modules` to `room`, the address behind the image, which is at `image`.

    `kept` is what the copies lead to of the heap. Somebody has to hold it, for the collector does not see it.
    """

    def __init__(self, modules, image, room):
        self.kept = bytearray(_KEPT * _WORD)
        self._count = 0
        self._image, self._room = image, room
        self._copies = {}  # addresses by those of the originals
        self._modules = [id(module) for module in modules]
        self._names = [id(module.__name__) for module in modules]

        def generator():
            yield

        self._movers = {
            id(type(words)): self._move_function,
            id(type(generator)): self._move_function,
            id(staticmethod): self._move_static,
            id(type): self._move_class,
            id(tuple): self._move_tuple,
            id(str): self._move_text,
            id(bytes): self._move_text,
        }
        for module in self._modules:
            self._copy(module, 4)
        for module in modules:
            self._move_tables(module)
        for holder in (sys.modules, sys.modules["simulated"].__dict__):
            _, _, size, table = words(id(holder), 4)
            for place, word in enumerate(words(table, 2 * size)):
                if word in self._modules:
                    put(table, place, self._copies[word])
        self.kept = self.kept[: self._count * _WORD]

    def _copy(self, old, count):
        """Copy so many words. Returns where to."""
        new = self._copies[old] = self._room
        self._room += count * _WORD
        uctypes.bytearray_at(new, count * _WORD)[:] = uctypes.bytearray_at(old, count * _WORD)
        return new

    def _renew(self, at, first, end):
        """Move what these words of a copy lead to, and have them lead to the copies."""
        for place, word in enumerate(words(at, end)):
            if place >= first and not word & 3 and word >= _WORD:  # no number, no name, not None, nothing
                if word not in self._copies:
                    mover = self._movers.get(words(word, 1)[0])
                    if not (mover and mover(word)):
                        self._copies[word] = word
                        self._keep(word)
                put(at, place, self._copies[word])

    def _keep(self, word):
        struct.pack_into("<Q", self.kept, self._count * _WORD, word)
        self._count += 1

    def _move_tables(self, module):
        """Of a module: type, dict, names, constants."""
        _, members, names, constants = words(id(module), 4)
        with open(module.__file__, "rb") as file:
            head = file.read(12)
        at = 4
        for _ in range(2):  # how many names there are, and how many constants
            count = 0
            while True:
                count = count << 7 | head[at] & 127
                at += 1
                if head[at - 1] < 128:
                    break
        first = (constants - names) // _WORD
        table = self._copy(names, first + count)
        self._renew(table, first, first + count)
        new = self._copies[id(module)]
        put(new, 1, self._move_dict(members))
        put(new, 2, table)
        put(new, 3, table + first * _WORD)

    def _move_dict(self, old):
        """Type, flags, size, table."""
        _, flags, size, table = words(old, 4)
        new, entries = self._copy(old, 4), self._copy(table, 2 * size)
        self._renew(entries, 0, 2 * size)
        put(new, 1, flags | _FIXED)
        put(new, 3, entries)
        return new

    def _move_function(self, old):
        """Type, module, functions within, bytecode, values of arguments by place, dict of those by name."""
        _, module, within, code = words(old, 4)
        if module not in self._modules:
            return False
        head = uctypes.bytearray_at(code, 12)
        defaults = flags = i = 0
        while head[i] & 128:
            i += 1
            defaults |= (head[i] & 1) << i - 1
            flags |= (head[i] >> 6 & 1) << i - 1
        named = flags >> 3 & 1
        end = 4 + defaults
        new = self._copy(old, end + named)
        put(new, 1, self._copies[module])
        self._renew(new, 4, end)
        if named:
            put(new, end, self._move_dict(words(new, end + 1)[end]))
        if within:
            self._keep(within)
        return True

    def _move_static(self, old):
        """Type, function."""
        self._renew(self._copy(old, 2), 1, 2)
        return True

    def _move_class(self, old):
        """Type; flags, name, the places of twelve things; those that there are. The last one is its dict."""
        places = bytes(uctypes.bytearray_at(old + 12, 12))
        if not places[11]:
            return False
        place = 2 + places[11]
        _, _, size, table = words(words(old, place + 1)[place], 4)
        pairs = words(table, 2 * size)
        key = id("__module__")
        if key not in pairs or pairs[pairs.index(key) + 1] not in self._names:
            return False
        new = self._copy(old, 3 + max(places))
        put(new, place, self._move_dict(words(new, place + 1)[place]))
        return True

    def _move_tuple(self, old):
        """Type, length, items."""
        end = 2 + words(old, 2)[1]
        self._renew(self._copy(old, end), 2, end)
        return True

    def _move_text(self, old):
        """Type, hash, length, characters. Those that the image does not have stay, both."""
        if not self._image <= words(old, 4)[3] < self._room:
            return False
        self._copy(old, 4)
        return True
