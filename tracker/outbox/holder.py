"""Who holds a lease: a token that names the process, so that a lease whose holder has died need not be waited out.

Elsewhere, and where this machine cannot say, the lease runs out by its time: a holder is called dead only when its
process is known to be gone.
"""

import hashlib
import os
import secrets
import socket
from functools import cache
from pathlib import Path


@cache
def _machine() -> str:
    """This machine since it was started, as the processes here see it (a container is one of its own); empty where the
    system does not say."""
    try:
        started = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
    except OSError:
        return ""
    return hashlib.sha256(f"{started}|{namespace}|{socket.gethostname()}".encode()).hexdigest()[:10]


def new_token() -> str:
    """A lease token of this process: at most 32 characters, 48 random bits among them."""
    return f"{_machine()}.{os.getpid()}.{secrets.token_hex(6)}"


def is_dead(token: str | None) -> bool:
    """Whether the process that made this token is known to be gone."""
    machine, _, rest = (token or "").partition(".")
    process = rest.partition(".")[0]
    if not machine or machine != _machine() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
