# SPDX-License-Identifier: ISC
"""A machine whose audiences give every kind of token, for the tests of grants."""
import harness
from harness import BIN, DAEMON, DEVICE_GRANT, SESSION_GRANT

PIN = "123456"
SERVICE_GRANT = "client_credentials"
OPEN = {"acr": "self", "any-user": True, "verifiers": {"users": ["bin"]}}
APP = {**OPEN, "scopes": ["read", "write"], "reuse": "session", "inline-pin": True,
       "refresh": True, "refresh-idle": "10m", "refresh-lifetime": "1h"}
AUDIENCES = {
    "app": APP,
    "kept": {**APP, "presence": "proof"},
    "opaque": {**APP, "format": "opaque"},
    "plain": {**APP, "refresh": False},
    "login": {**OPEN, "scopes": ["all"], "class": "login", "inline-pin": True},
    "backup": {"scopes": ["run", "list"], "class": "service", "users": ["bin"],
               "verifiers": {"any-user": True}},
    "tessera-admin": harness.AUDIENCES["tessera-admin"],
}
# where a stored, keyed token might be looked for
SHAPES = {"access": r"tsr_at_[A-Za-z0-9_-]{43}$", "refresh": r"tsr_rt_[A-Za-z0-9_-]{64}$"}


def machine(**more):
    """With a card, enrolled for daemon."""
    m = harness.Machine(**{"audiences": AUDIENCES, "rehearse": True, **more})
    try:
        m.make_token("card", PIN)
        m.tessera("enroll", "pkcs11", "--user", "daemon", "--device", "pkcs11:token=card;id=%01",
                  pin=PIN, check=True)
    except BaseException:
        m.abandon()
        raise
    return m


def ask(m, grant=SESSION_GRANT, uid=DAEMON, **form):
    return m.request("POST", "/token", uid=uid, form={"grant_type": grant, **form})


def prove(m, audience="app", **form):
    """By the card: the answer's document."""
    answer = ask(m, DEVICE_GRANT, audience=audience, pin=PIN, **form)
    if answer.status != 200:
        raise harness.Failed("the card's proof: %r" % answer)
    return answer.json


def family(m, audience="app", **form):
    """A first refresh token, by a proof of its own."""
    return prove(m, audience, offline_access="true", **form)["refresh_token"]


def refresh(m, token, uid=DAEMON, **form):
    return ask(m, "refresh_token", uid=uid, refresh_token=token, **form)


def active(m, token, uid=BIN):
    return m.request("POST", "/introspect", uid=uid, form={"token": token}).json


def audit(m, event):
    """The lines of the audit log about an event, once there is one."""
    found = []

    def there():
        m.clock.advance(1)		# lines that nothing waits for come within a second
        ran = m.tessera("audit", "export", "--config", m.conf, "--json", check=True)
        found[:] = [e for e in ran.json if e["event"] == event]
        return found
    harness.until(there, 30, "a line about " + event)
    return found
