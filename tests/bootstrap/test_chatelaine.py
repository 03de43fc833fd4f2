"""The one command: finds Python, makes its environment once, and says in one sentence what is wrong."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from contextlib import contextmanager, suppress

import pytest

from tests import fresh_clone
from tests.fresh_clone import NOBODY, ROOT

SHELL_TOOLS = [
    "sh",
    "dirname",
    "readlink",
    "cat",
    "mkdir",
    "rm",
    "mv",
    "sleep",
    "id",
    "tail",
    "grep",
    "uname",
    "basename",
]


@pytest.fixture
def clone(tmp_path):
    return fresh_clone.make(tmp_path, packages=False)


@pytest.fixture
def tools(tmp_path):
    """A PATH with the shell's tools and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in SHELL_TOOLS:
        (folder / name).symlink_to(shutil.which(name))
    return folder


def python(folder, name, script):
    """Put a made-up Python into *folder*."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def one_sentence(result):
    """The whole complaint: one line on standard error, nothing on standard output, exit 1."""
    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("chatelaine: ")
    return line


def test_the_script_is_plain_posix_shell():
    assert (ROOT / "chatelaine").read_text().startswith("#!/bin/sh\n")
    for shell in filter(shutil.which, ["dash", "bash", "busybox"]):
        command = [shell, *(["sh"] if shell == "busybox" else []), "-n", str(ROOT / "chatelaine")]
        assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_without_python_it_says_what_to_install(clone, tools):
    line = one_sentence(fresh_clone.run(clone, "serve", PATH=str(tools)))

    assert "Python 3.11 or newer is needed" in line
    assert "apt-get install python3 python3-venv" in line
    assert not (clone / ".venv").exists()


def test_a_python_that_is_too_old_is_passed_over(clone, tools):
    python(tools, "python3", "exit 1")

    assert "Python 3.11 or newer is needed" in one_sentence(fresh_clone.run(clone, "serve", PATH=str(tools)))


def test_a_python_without_venv_is_named_with_its_package(clone, tools):
    python(tools, "python3", 'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.11;; esac')
    line = one_sentence(fresh_clone.run(clone, "serve", PATH=str(tools)))

    assert "Python 3.11 is here but its venv module is not" in line
    assert "apt-get install python3.11-venv" in line


def test_a_folder_that_cannot_be_written_is_named(clone):
    for path in [clone, *clone.rglob("*")]:
        path.chmod(0o555 if path.is_dir() or path.name == "chatelaine" else 0o444)
    for parent in list(clone.parents)[:3]:
        parent.chmod(parent.stat().st_mode | 0o055)
    try:
        line = one_sentence(fresh_clone.run(clone, "serve", user=NOBODY))
    finally:
        for path in [clone, *clone.rglob("*")]:
            path.chmod(0o755)

    assert f"cannot write in {clone}" in line


def test_without_a_network_it_says_so_and_trusts_nothing_half_done(clone):
    nowhere = {
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
        "PIP_CONFIG_FILE": os.devnull,
    }
    result = fresh_clone.run(clone, "serve", **nowhere)

    assert result.returncode == 1
    assert "pip cannot reach the package index" in result.stderr.splitlines()[-1]
    assert (clone / ".venv" / "unfinished").exists()
    assert not (clone / ".venv.lock").exists()


def test_a_package_that_is_not_what_the_lock_says_is_refused(clone, tmp_path):
    # A lock of one package, whose hash is wrong.
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    make_wheel(wheels)
    (clone / "requirements.txt").write_text(f"tiny_wheel==1.0 --hash=sha256:{'0' * 64}\n")
    result = fresh_clone.run(
        clone, "serve", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(wheels), PIP_CONFIG_FILE=os.devnull
    )

    assert result.returncode == 1
    assert "does not match its hash in requirements.txt" in result.stderr.splitlines()[-1]


def make_wheel(folder):
    """Write the smallest package there is."""
    path = folder / "tiny_wheel-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("tiny_wheel.py", "")
        info = "tiny_wheel-1.0.dist-info"
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-wheel\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return path


def make_small(folder):
    """Make a clone whose lock is one tiny package and whose program prints what it was given."""
    wheels = folder / "wheels"
    wheels.mkdir()
    digest = hashlib.sha256(make_wheel(wheels).read_bytes()).hexdigest()
    clone = fresh_clone.make(folder, packages=False)
    (clone / "requirements.txt").write_text(f"tiny_wheel==1.0 --hash=sha256:{digest}\n")
    (clone / "cli.py").write_text("import os, sys, tiny_wheel\nprint(sys.argv[1:], os.getcwd())\n")
    return clone


@pytest.fixture
def small_clone(tmp_path):
    """A small clone that was never started."""
    return make_small(tmp_path)


@pytest.fixture(scope="module")
def started_once(tmp_path_factory):
    """A small clone that was started once, and what that start said."""
    clone = make_small(tmp_path_factory.mktemp("started"))
    return clone, start(clone, "a", "b c")


@pytest.fixture
def started(started_once, tmp_path):
    """A copy of it: making an environment takes seconds, copying one does not."""
    clone = tmp_path / "clone"
    shutil.copytree(started_once[0], clone, symlinks=True)
    (tmp_path / "wheels").symlink_to(started_once[0].parent / "wheels")
    return clone


OFFLINE = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull}


def start(clone, *arguments, **more):
    return fresh_clone.run(clone, *arguments, PIP_FIND_LINKS=str(clone.parent / "wheels"), **OFFLINE, **more)


def test_the_first_start_installs_and_the_second_only_looks(started_once):
    clone, first = started_once
    second = start(clone, "a", "b c")

    assert (first.returncode, first.stdout) == (0, second.stdout)
    assert first.stdout.startswith("['a', 'b c']")
    assert "making .venv" in first.stderr
    assert second.stderr == ""


def test_it_runs_where_it_was_called_and_through_a_link(started, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(started / "chatelaine")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "tiny_wheel.py").write_text("raise SystemExit('the wrong one')\n")
    result = subprocess.run([link], cwd=elsewhere, capture_output=True, text=True, check=False)

    assert (result.returncode, result.stdout) == (0, f"[] {elsewhere}\n")


def test_nothing_but_the_lock_decides_what_is_loaded(started, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "tiny_wheel.py").write_text("raise SystemExit('the wrong one')\n")

    assert start(started, PYTHONPATH=str(other), PYTHONHOME="/nowhere").returncode == 0


def test_a_changed_lock_is_installed(started):
    lock = started / "requirements.txt"
    lock.write_text(lock.read_text() + "# a newer lock\n")

    assert "bringing .venv up to requirements.txt" in start(started).stderr
    assert start(started).stderr == ""


@pytest.mark.parametrize("damage", ["unfinished", "python"])
def test_an_environment_that_was_cut_short_or_broken_is_made_anew(started, damage):
    if damage == "unfinished":
        (started / ".venv" / "unfinished").touch()
    else:
        (started / ".venv" / "bin" / "python").unlink()
    result = start(started)

    assert result.returncode == 0
    assert "making .venv" in result.stderr


def test_two_first_starts_at_once_both_succeed(small_clone):
    environ = {"PATH": os.environ["PATH"], "PIP_FIND_LINKS": str(small_clone.parent / "wheels")} | OFFLINE
    both = [
        subprocess.Popen(
            [small_clone / "chatelaine"],
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [one.communicate(timeout=120) for one in both]

    assert [one.returncode for one in both] == [0, 0]
    assert sum("making .venv" in err for _, err in said) == 1
    assert sum("another start" in err for _, err in said) == 1


def test_the_lock_of_a_start_that_was_killed_is_taken_over(started):
    dead = subprocess.Popen(["true"])
    dead.wait()
    (started / ".venv" / "run.stamp").unlink()
    lock = started / ".venv.lock"
    lock.mkdir()
    (lock / "pid").write_text(f"{dead.pid}\n")

    assert start(started).returncode == 0
    assert not lock.exists()


@contextmanager
def hold_open(pipe, reader):
    """Be the writer who writes nothing, from the moment that *reader* or a child of it reads *pipe*."""
    descriptor = None
    while descriptor is None:
        assert reader.poll() is None, reader.stderr.read()
        with suppress(OSError):
            # Without a reader this is refused.
            descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        os.sched_yield()
    try:
        yield
    finally:
        os.close(descriptor)


def interrupt(process):
    """Press Ctrl-C until it ends: Python overhears one that comes just as it begins to read a pipe."""
    for _ in range(30):
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=2)
            return
    pytest.fail("it does not end")


@pytest.fixture
def heeded():
    """Have Ctrl-C heeded by what is started here: what a shell runs in the background heeds none."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded")
def test_a_start_that_is_interrupted_leaves_no_lock(small_clone):
    # pip reads from a pipe that nobody writes to, until the whole group is interrupted, as Ctrl-C does.
    pipe = small_clone / "requirements.txt"
    pipe.unlink()
    os.mkfifo(pipe)
    process = subprocess.Popen(
        [small_clone / "chatelaine"], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    with hold_open(pipe, process):
        interrupt(process)

    assert process.returncode != 0
    assert not (small_clone / ".venv.lock").exists()


def test_looking_costs_less_than_a_third_of_a_second(started):
    (started / "cli.py").write_text("")
    costs = []
    for _ in range(5):
        began = time.perf_counter()
        start(started)
        costs.append(time.perf_counter() - began)

    assert min(costs) < 0.3


# --- Tests and their browser


def fake_pytest(clone):
    """Give *clone* a pytest that only prints what it was given."""
    (clone / "requirements-dev.txt").write_text((clone / "requirements.txt").read_text())
    (site,) = (clone / ".venv" / "lib").glob("python*/site-packages")
    (site / "pytest.py").write_text("import sys\nprint(sys.argv[1:])\n")


MOVED = ["tests/clients", "tests/sso"]
"""What the row of the browser takes from the other, so that both take as long."""
WITHOUT_BROWSER = ["-q", "-m", "not browser"]
FIRST_ROW = [*WITHOUT_BROWSER, *(f"--ignore={folder}" for folder in MOVED)]
MOVED_ROW = [*WITHOUT_BROWSER, *MOVED]


def without_chromium(tmp_path, **programs):
    """A PATH that has everything of this one but Chromium; *programs* are added."""
    folder = tmp_path / "path"
    folder.mkdir()
    names = [*SHELL_TOOLS, "python3"]
    for name in names:
        (folder / name).symlink_to(sys.executable if name == "python3" else shutil.which(name))
    for name, script in programs.items():
        python(folder, name.replace("_", "-"), script)
    return folder


def test_without_a_browser_the_tests_left_out_are_named(started, tmp_path):
    fake_pytest(started)
    result = start(started, "test", PATH=str(without_chromium(tmp_path)))

    assert result.stdout == f"{FIRST_ROW}\n{MOVED_ROW}\n"
    assert re.search(r'tests marked "browser" are left out', result.stderr)


def test_in_ci_a_missing_browser_is_a_failure(started, tmp_path):
    fake_pytest(started)
    result = start(started, "test", PATH=str(without_chromium(tmp_path)), CI="true")

    assert (result.returncode, result.stdout) == (1, "")
    assert "with CI set no test may be left out" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_root_on_debian_gets_the_browser_installed(started, tmp_path):
    fake_pytest(started)
    folder = without_chromium(tmp_path)
    log = tmp_path / "apt.log"
    python(
        folder,
        "apt-get",
        f'echo "$DEBIAN_FRONTEND $*" >>{log}; case "$*" in *install*) cp={folder}/chromium; '
        f'printf "#!/bin/sh\\n" >$cp; {shutil.which("chmod")} +x $cp;; esac',
    )
    result = start(started, "test", "tests/test_config.py", "-x", PATH=str(folder))

    assert result.stdout == "['tests/test_config.py', '-x']\n"
    assert [line.split()[:3] for line in log.read_text().splitlines()] == [
        ["noninteractive", "-qq", "update"],
        ["noninteractive", "-qq", "install"],
    ]


SERVERS = {"postgres": "", "redis_server": ""}
NEAR = ("postgresql", "races", "services", "audit", "isolation", "core", "journeys")
ON_POSTGRESQL = ["-q", "--database", "postgresql", *(f"tests/{name}" for name in NEAR)]
"""What is closest to the database; `test --database postgresql` runs the pages there, too."""
IN_A_BROWSER = ["-q", "-m", "browser"]
EVERYTHING = f"{FIRST_ROW}\n{ON_POSTGRESQL}\n{IN_A_BROWSER}\n{MOVED_ROW}\n"


def test_without_servers_what_is_left_out_is_named(started, tmp_path):
    fake_pytest(started)
    result = start(started, "test", PATH=str(without_chromium(tmp_path, chromium="")))

    assert result.stdout == f"{FIRST_ROW}\n{IN_A_BROWSER}\n{MOVED_ROW}\n"
    assert "nothing is tested on PostgreSQL, and no test of Redis is run" in result.stderr


def test_in_ci_missing_servers_are_a_failure(started, tmp_path):
    fake_pytest(started)
    result = start(started, "test", PATH=str(without_chromium(tmp_path, chromium="")), CI="true")

    assert (result.returncode, result.stdout) == (1, "")
    assert "with CI set no test may be left out" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root installs packages")
def test_root_on_debian_gets_the_servers_installed(started, tmp_path):
    fake_pytest(started)
    folder = without_chromium(tmp_path, chromium="")
    log = tmp_path / "apt.log"
    make = f'printf "#!/bin/sh\\n" >$cp; {shutil.which("chmod")} +x $cp'
    python(
        folder,
        "apt-get",
        f'echo "$RUNLEVEL $*" >>{log}; case "$*" in *install*) cp={folder}/postgres; {make}; '
        f"cp={folder}/redis-server; {make};; esac",
    )
    result = start(started, "test", PATH=str(folder))

    assert result.stdout == EVERYTHING
    assert (
        log.read_text().splitlines()[-1] == "1 -qq install -y --no-install-recommends postgresql redis-server"
    )


def test_everything_is_run_on_both_databases(started, tmp_path):
    fake_pytest(started)
    result = start(started, "test", PATH=str(without_chromium(tmp_path, chromium="", **SERVERS)), CI="true")

    assert result.stdout == EVERYTHING
    assert result.returncode == 0


@pytest.mark.parametrize("failing", ["--ignore=tests/sso", "postgresql", "browser", "tests/sso"])
def test_a_failure_on_either_is_a_failure(started, tmp_path, failing):
    fake_pytest(started)
    (site,) = (started / ".venv" / "lib").glob("python*/site-packages")
    fails = f"{failing!r} in sys.argv"
    (site / "pytest.py").write_text(f"import sys\nprint(sys.argv[1:])\nsys.exit(3 if {fails} else 0)\n")
    result = start(started, "test", PATH=str(without_chromium(tmp_path, chromium="", **SERVERS)))

    assert result.returncode == 3
    assert result.stdout == EVERYTHING


# --- The lock


def pins(name):
    """Return what a lock pins: lines such as `flask==3.1.3`, with the marker where one stands."""
    return set(re.findall(r"^[a-z0-9-]+==[^ ]+", (ROOT / name).read_text(), re.MULTILINE))


def test_both_locks_agree():
    run_time, development = pins("requirements.txt"), pins("requirements-dev.txt")

    assert len(run_time) > 30
    assert run_time < development


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_package_is_pinned_with_hashes_and_no_machine_shows(name):
    text = (ROOT / name).read_text()
    packages = re.findall(r"^[a-z0-9-]+==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)

    assert packages
    assert all("--hash=sha256:" in package for package in packages)
    assert not re.search(r"--find-links|--index-url|--extra-index|file:|/opt/|/home/", text)
