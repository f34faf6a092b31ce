"""Stand-in for the board's `esp32`: the non-volatile storage, as far as the firmware may use it."""

from simulated import silicon

_KEY_MAX = 15
ESP_ERR_NVS_NOT_FOUND = -4354


class NVS:
    """A namespace of the storage. Changes are kept once commit() is called; the host keeps them over resets
    and power cuts.
    """

    def __init__(self, namespace):
        self._kept = silicon.chip().nvs.setdefault(_checked(namespace), {})
        self._values = dict(self._kept)

    def set_i32(self, key, value):
        self._values[_checked(key)] = int(value)

    def get_i32(self, key):
        return self._find(key, int)

    def set_blob(self, key, value):
        self._values[_checked(key)] = bytes(value).hex()

    def get_blob(self, key, buffer):
        data = bytes.fromhex(self._find(key, str))
        buffer[: len(data)] = data
        return len(data)

    def erase_key(self, key):
        self._find(key, (int, str))
        del self._values[key]

    def commit(self):
        self._kept.clear()
        self._kept.update(self._values)
        silicon.chip().link.send({"e": "nvs", "nvs": silicon.chip().nvs})

    def _find(self, key, kind):
        value = self._values.get(_checked(key))
        if not isinstance(value, kind):
            raise OSError(ESP_ERR_NVS_NOT_FOUND, "ESP_ERR_NVS_NOT_FOUND")
        return value


def _checked(name):
    if len(name) > _KEY_MAX:
        raise ValueError("NVS keys have at most 15 characters")
    return name


def mcu_temperature():
    """Degrees Celsius."""
    return 41
