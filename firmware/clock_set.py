"""An administrator sets the clock: PUT /api/v1/clock, see docs/time.md.

The request is signed: so its body is who signed it, and no recording of it is good a second time. Access has
held the token's own times against the very time that is told here: while the clock is unset there is no
other. So an old token could turn the clock back to when it was good, but for what the board knows for
certain; and none can turn it further ahead than to its own end.

Loaded for such a request, and unloaded again: see app.py.
"""

from .access import Denied
from .api import members_of
from .response import json_response
from .timekeeping import PATH, flush


def answer(request, clock, path=PATH):
    """Return the Response to the request of an administrator. Raises Denied."""
    try:
        clock.set(members_of(request)["now"], "manual", True)
    except ValueError as error:
        refused = str(error)
    else:
        flush(clock, path)
        state = clock.state()
        state["now"] = clock.now()
        response = json_response(state)
        response.action = ("clock", None, state["now"])  # pyright: ignore[reportAttributeAccessIssue]
        return response
    raise Denied(422, "bad_value", "it cannot be now: " + refused)
