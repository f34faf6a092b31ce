"""The same two routes on Microdot, behind the same verifier. Arguments: port, secret."""

import sys
import time

import jwt
from microdot import Microdot

port, secret = int(sys.argv[1]), sys.argv[2].encode()
verifier = jwt.Verifier([jwt.Key(secret)], audience="door")
epoch = 946684800 if time.gmtime(0)[0] == 2000 else 0
state = {"relay": False}
app = Microdot()


@app.get("/healthz")
async def health(request):
    return {"status": "ok"}


@app.post("/api/v1/pins/relay/toggle")
async def toggle(request):
    value = request.headers.get("Authorization", "")
    if not value.startswith("Bearer "):
        return {"error": "missing"}, 401
    try:
        claims = verifier.verify(value[7:], int(time.time()) + epoch)
    except jwt.TokenError as error:
        return {"error": error.code}, 401
    if "pins:write" not in claims["scope"].split():
        return {"error": "scope"}, 403
    state["relay"] = not state["relay"]
    return {"name": "relay", "label": "relay", "kind": "switch", "value": state["relay"], "writable": True}


@app.get("/quit")
async def quit(request):
    raise SystemExit


app.run(host="127.0.0.1", port=port)
