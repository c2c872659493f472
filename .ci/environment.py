"""Make `.venv` what the constraints files say, with nothing but Python's own library.

    python3 .ci/environment.py run     what the tracker needs
    python3 .ci/environment.py dev     that, and what its tests need

A stamp in `.venv` holds a hash of everything the environment was made from: while it is the same, this ends at once.
Every file that is installed is named by its hash; where from is pip's own configuration.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / ".stamp"
KINDS = {"run": "constraints.txt", "dev": "constraints-dev.txt"}

#: Seconds of silence after which a step says that it is still at work.
PATIENCE = 2.0


def say(text: str) -> None:
    """To standard error: standard output belongs to what comes after."""
    print(text, file=sys.stderr, flush=True)


def fingerprint() -> str:
    """A hash over what the environment is made from: the pins, the project file, this Python and this folder."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in (*sorted(p.name for p in ROOT.glob("constraints*.txt")), "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def is_made(kind: str) -> bool:
    """Whether `.venv` holds already what `kind` asks for; what is made for the tests serves the tracker too."""
    try:
        mark, made_for = STAMP.read_text().split()
    except (OSError, ValueError):
        return False
    return mark == fingerprint() and made_for in (kind, "dev") and PYTHON.exists()


def works() -> bool:
    """Whether the Python in `.venv` is the version that runs this (an upgrade of the system leaves a broken one)."""
    try:
        ask = "import sys; print(*sys.version_info[:2])"
        found = subprocess.run([PYTHON, "-c", ask], capture_output=True, text=True)
    except OSError:
        return False
    return found.stdout.split() == [str(n) for n in sys.version_info[:2]]


def run(what: str, *command: str | Path) -> None:
    """Run a step; once it has lasted two seconds, say every so often where it is. On failure print all it said."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1", "PYTHONUTF8": "1"}
    child = subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        cwd=ROOT,
        env=environment,
    )
    said: list[str] = []
    done = threading.Event()
    reporter = threading.Thread(target=report, args=(what, said, done), daemon=True)
    reporter.start()
    try:
        assert child.stdout
        for line in child.stdout:
            said.append(line.rstrip())
        code = child.wait()
    except KeyboardInterrupt:
        child.terminate()
        raise SystemExit(130) from None
    finally:
        done.set()
        reporter.join()
    if code:
        say("\n".join(said))
        raise SystemExit(f"{what} failed (the lines above say why).")


def report(what: str, said: list[str], done: threading.Event) -> None:
    """One line that moves on a terminal; elsewhere a new line every ten seconds."""
    began = time.monotonic()
    moving = sys.stderr.isatty()
    width = 0
    if done.wait(PATIENCE):
        return
    while True:
        steps = [line for line in said if line.startswith(("Collecting ", "Building ", "Installing "))]
        where = f": {steps[-1].split('==')[0].split(':')[0].lower()[:60]}" if steps else ""
        line = f"{what}, {time.monotonic() - began:.0f} s{where}"
        if moving:
            print("\r" + line.ljust(width), end="", file=sys.stderr, flush=True)
            width = len(line)
        else:
            say(line)
        if done.wait(1 if moving else 10):
            break
    if moving:
        print("\r" + f"{what}, done in {time.monotonic() - began:.0f} s".ljust(width), file=sys.stderr, flush=True)


def make(kind: str) -> None:
    """Make the environment, or bring it up to date."""
    STAMP.unlink(missing_ok=True)
    if VENV.exists() and not works():
        say("The environment in .venv was made by another Python: it is made again.")
        shutil.rmtree(VENV)
    if not VENV.exists():
        try:
            import ensurepip  # noqa: F401  # only asked whether it is there
            import venv  # noqa: F401
        except ImportError:
            raise SystemExit(
                f"{sys.executable} has no venv. On Debian and Ubuntu: apt-get install python3-venv. Then try again."
            ) from None
        run("Making the environment in .venv", sys.executable, "-m", "venv", VENV)
    pip = (PYTHON, "-m", "pip", "install", "--progress-bar", "off")
    pinned = (*pip, "--require-hashes", "--no-deps")
    run("Installing what builds packages", *pinned, "-r", "constraints-build.txt")
    run(
        "Installing what the tracker needs" if kind == "run" else "Installing what the tracker and its tests need",
        *pinned,
        "--no-build-isolation",
        "-r",
        KINDS[kind],
    )
    run("Installing the tracker", *pip, "--no-deps", "--no-build-isolation", "-e", ".")
    STAMP.write_text(f"{fingerprint()} {kind}\n")


def main() -> None:
    """Check the stamp; make the environment when it differs."""
    kind = sys.argv[1] if len(sys.argv) == 2 else ""
    if kind not in KINDS:
        raise SystemExit("Say `run` or `dev`.")
    if not is_made(kind):
        make(kind)
        say(f"The environment in {VENV.relative_to(ROOT)} is ready.")


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
