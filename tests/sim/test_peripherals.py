"""What hangs on a board's pins beside relays: dimmers, servos, light strips, contacts and voltages."""

from __future__ import annotations

import pytest

# At the end of a main.py that goes on for as often as its button is pressed.
STEPS = """
        button = Pin(0, Pin.IN, Pin.PULL_UP)
        steps = steps()
        def step(pin):
            print("step", next(steps))
        button.irq(step, Pin.IRQ_FALLING)
        print("ready")
"""


def test_a_pwm_is_seen_by_its_duty(board):
    made = board("""
        from machine import PWM, Pin
        pwm = PWM(Pin(4), freq=1000, duty_u16=0)
        pwm.duty_u16(16384)
        pwm.duty_u16(16384)
        pwm.duty_u16(65535)
        print("reads", pwm.duty_u16())
        pwm.duty_u16(32768)
        Pin(4, Pin.OUT, value=0)
        pwm.duty_u16(65535)
        pwm.deinit()
        try:
            pwm.duty_u16(1)
        except RuntimeError as error:
            print(error)
    """)
    made.wait(lambda: made.state == "repl")
    pwm = made.pwm(4)
    assert made.serial[:2] == ["reads 65535", "PWM is inactive"]
    assert pwm.duties == [0, 0.25, 1, 0.5]
    assert {wave.freq for wave in pwm.history[:-1]} == {1000}
    assert pwm.freq == 0, "the Pin has taken it"
    assert made.pin(4).levels == [0, 0.25, 1, 0.5, 0]


def test_a_servos_pulse(board):
    made = board("""
        from machine import PWM, Pin
        pwm = PWM(Pin(4), freq=50, duty_u16=0)
        pwm.duty_ns(500000)
        pwm.duty_ns(2500000)
        print("turned")
        pwm.duty_ns(0)
        pwm.deinit()
    """)
    made.wait(lambda: made.state == "repl")
    pwm = made.pwm(4)
    assert [round(1e6 * wave.duty / 50) for wave in pwm.history[:-1]] == [0, 500, 2500, 0]
    assert (pwm.freq, pwm.pulse_us) == (0, 0)
    assert made.pin(4).level is None, "which level it is then differs from version to version"


@pytest.mark.parametrize(
    ("chip", "channels", "timers"), [("esp32", 16, 8), ("esp32s3", 8, 4), ("esp32c3", 6, 4)]
)
def test_the_chips_pwms_end(board, chip, channels, timers):
    made = board(
        """
        from machine import PWM, Pin

        def fill(free, freq, step):
            made = []
            try:
                for gpio in free:
                    made.append(PWM(Pin(gpio), freq=freq))
                    freq += step
            except RuntimeError as error:
                print(error)
            for pwm in made:
                pwm.deinit()

        pads = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 21]
        fill(pads, 1000, 0)
        fill(pads, 1000, 1)
        """,
        chip=chip,
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[:2] == [f"out of PWM channels:{channels}", f"out of PWM timers:{timers}"]


def test_a_strip_is_seen_as_it_shines(board):
    made = board("""
        import neopixel
        from machine import Pin
        strip = neopixel.NeoPixel(Pin(16), 300)
        strip.fill((255, 136, 0))
        strip.write()
        strip[299] = (1, 2, 3)
        strip.write()
        print(strip[0], strip[299], len(strip))
        whites = neopixel.NeoPixel(Pin(17), 2, bpp=4)
        whites.fill((1, 2, 3, 4))
        whites.write()
    """)
    made.wait(lambda: made.state == "repl")
    assert made.serial[0] == "(255, 136, 0) (1, 2, 3) 300"
    strip = made.strip(16)
    assert strip.colours(at=0) == [(255, 136, 0)] * 300
    assert strip.colours("RGB", at=0) == [(136, 255, 0)] * 300, "other lights take red first"
    assert made.pixels[16] == [(255, 136, 0)] * 299 + [(1, 2, 3)]
    assert made.strip(17).colours("GRBW") == [(1, 2, 3, 4)] * 2
    made.reset()
    assert made.pixels[16][0] == (255, 136, 0), "nobody has told it to be dark"
    made.power_cut()
    assert set(made.pixels[16]) == {(0, 0, 0)}
    assert made.strip(18).colours() == []


def test_a_contact_stays_closed_over_a_reset(board, idle):
    made = board(
        """
        from machine import Pin
        print("reads", Pin(4, Pin.IN, Pin.PULL_UP).value(), Pin(5, Pin.IN, Pin.PULL_DOWN).value())
        """
        + idle.replace("\n", "\n        ")
    )
    made.wait(lambda: "reads 1 0" in made.serial)
    made.drive(4, 0)
    made.reset()
    made.wait(lambda: "reads 0 0" in made.serial)
    made.power_cut()
    made.drive(4, None)
    made.drive(5, 1)
    made.start(http=False)
    made.wait(lambda: "reads 1 1" in made.serial)
    assert made.pin(5).level == 1


def test_pads_without_a_driver_have_no_pulls(board):
    made = board("""
        from machine import Pin
        print("reads", Pin(34, Pin.IN, Pin.PULL_UP).value())
    """)
    made.wait(lambda: "reads 0" in made.serial)


def test_a_voltage(board):
    made = board("""
        import time
        from machine import ADC, Pin
        battery = ADC(Pin(34), atten=ADC.ATTN_11DB)
        while True:
            print("reads", battery.read_uv())
            time.sleep_ms(5)
    """)
    made.wait(lambda: "reads 0" in made.serial)
    made.analog(34, 1650)
    made.wait(lambda: "reads 1650000" in made.serial)
    made.reset()
    made.wait(lambda: made.serial[-1:] == ["reads 1650000"] and made.starts == [1, 2])
    assert made.serial.count("reads 0") < made.serial.index("reads 1650000") + 1


@pytest.mark.parametrize(
    ("chip", "gpio", "said"),
    [
        pytest.param("esp32", 4, "invalid pin", id="ADC2"),
        pytest.param("esp32", 5, "invalid pin", id="no ADC"),
        pytest.param("esp32c3", 4, "fine", id="ADC1"),
        pytest.param("esp32c3", 5, "invalid pin", id="ADC2 of a C3"),
    ],
)
def test_what_an_adc_can_read(board, chip, gpio, said):
    made = board(
        f"""
        from machine import ADC, Pin
        try:
            ADC(Pin({gpio}))
            print("fine")
        except ValueError as error:
            print(error)
        """,
        chip=chip,
    )
    made.wait(lambda: made.state == "repl")
    assert made.serial[0] == said
