"""Pins: their history as a logic analyser shows it, buttons, interrupts, and what the chip does not have."""

from __future__ import annotations

import time

import pytest


def test_history_has_every_edge_with_the_hosts_time(board):
    before = time.time()
    made = board("""
        from machine import Pin
        pin = Pin(4, Pin.OUT, value=1)
        pin.value(1)
        pin.off(); pin.on(); pin(0); pin.toggle()
        pin.init(Pin.IN)
        print("read", Pin(4) is pin)
    """)
    made.wait(lambda: made.state == "repl")
    pin = made.pin(4)
    assert pin.levels == [1, 0, 1, 0, 1, None]
    times = [edge.time for edge in pin.history]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= time.time()
    assert "read True" in made.serial


def test_a_value_is_set_before_the_direction(board):
    made = board("""
        from machine import Pin
        Pin(4, Pin.OUT, value=1)
        Pin(5, Pin.OUT)
    """)
    made.wait(lambda: made.state == "repl")
    assert made.pin(4).levels == [1], "no glitch to 0"
    assert made.pin(5).levels == [0]
    assert made.pin(6).level is None


def test_an_open_drain_lets_go(board):
    made = board("""
        from machine import Pin
        pin = Pin(4, Pin.OPEN_DRAIN, value=0)
        pin.value(1)
        print("reads", pin.value())
    """)
    made.wait(lambda: "reads 1" in made.serial)
    assert made.pin(4).levels == [0, None]


def test_a_button_is_read_and_interrupts(board, idle):
    made = board(
        """
        from machine import Pin
        def pressed(pin):
            print("irq", pin, pin.value())
        button = Pin(0, Pin.IN, Pin.PULL_UP)
        button.irq(pressed, Pin.IRQ_FALLING)
        print("idle", button.value())
        """
        + idle.replace("\n", "\n        ")
    )
    made.wait(lambda: "idle 1" in made.serial)
    made.press(0, ms=10)
    assert made.serial[1:] == ["irq Pin(0) 0"], "not at the release: only the falling edge was asked for"
    assert made.pin(0).levels == [0, None]


def test_a_sleeping_firmware_hears_the_button_too(board):
    made = board("""
        import time
        from machine import Pin
        Pin(0, Pin.IN, Pin.PULL_UP).irq(lambda pin: print("irq"), Pin.IRQ_FALLING)
        print("ready")
        time.sleep(60)
    """)
    made.wait(lambda: "ready" in made.serial)
    made.drive(0, 0)
    made.wait(lambda: "irq" in made.serial)


@pytest.mark.parametrize(
    ("chip", "expression", "message"),
    [
        pytest.param("esp32", "Pin(34, Pin.OUT)", "pin can only be input", id="34 has no output driver"),
        pytest.param("esp32", "Pin(24)", "invalid pin", id="there is no 24"),
        pytest.param("esp32", "Pin(40)", "invalid pin", id="past the last"),
        pytest.param("esp32c3", "Pin(22)", "invalid pin", id="another chip has fewer"),
        pytest.param("esp32s3", "Pin(48, Pin.OUT)", "fine", id="another chip has more"),
    ],
)
def test_what_the_silicon_has(board, chip, expression, message):
    made = board(
        f"""
        from machine import Pin
        try:
            {expression}
            print("fine")
        except ValueError as error:
            print(error)
        """,
        chip=chip,
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[0] == message


def test_lights_and_storage(board):
    """The colours of a light strip reach the host; what is committed to the NVS outlives a power cut."""
    made = board("""
        import esp32, neopixel
        from machine import Pin
        strip = neopixel.NeoPixel(Pin(16), 2)
        strip[1] = (1, 2, 3)
        strip.write()
        store = esp32.NVS("state")
        try:
            print("boots", store.get_i32("boots"))
        except OSError:
            store.set_i32("boots", 1)
            store.set_blob("mark", b"\\x00\\xff")
            store.commit()
            store.set_i32("boots", 99)
        else:
            buffer = bytearray(2)
            print(store.get_blob("mark", buffer), buffer == b"\\x00\\xff")
    """)
    made.wait(lambda: made.state == "repl")
    assert made.pixels[16] == [(0, 0, 0), (1, 2, 3)]
    made.power_cut()
    made.start(http=False)
    made.wait(lambda: made.state == "repl")
    assert "boots 1" in made.serial
    assert "2 True" in made.serial
