"""The box in which a renderer runs: limits, no network, and read access to one folder.

Needs no privileges: rlimits, Landlock (landlock(7)) and seccomp (seccomp(2)) are asked of the kernel by ctypes. It is
entered before the Go library is loaded, since threads that exist already would stay outside.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

MIB = 1 << 20
DATA_BYTES = 512 * MIB
ADDRESS_BYTES = 3072 * MIB
OPEN_FILES = 256

_libc = ctypes.CDLL(None, use_errno=True)

_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38

# Architecture: its audit number, the number of socket(2), and what has no business in a renderer: ptrace, mount,
# umount2, bpf, perf_event_open, process_vm_readv/writev, unshare, setns, keyctl, add_key, request_key, io_uring_*.
_SECCOMP = {
    "x86_64": (0xC000003E, 41, (101, 165, 166, 321, 298, 310, 311, 272, 308, 250, 248, 249, 425, 426, 427)),
    "aarch64": (0xC00000B7, 198, (117, 40, 39, 280, 241, 270, 271, 97, 268, 219, 217, 218, 425, 426, 427)),
}
_AF_UNIX = 1


def enter(folder: Path, programs: Iterable[Path] = ()) -> list[str]:
    """Shuts this process in and gives the protections that this kernel lacks ("landlock", "seccomp").

    `folder` may be read; so may Python, system libraries and `programs`. Nothing may be written but /dev/null.
    """
    _limit()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    lacking = [] if _landlock(_readable(folder, programs)) else ["landlock"]
    return lacking if _seccomp() else [*lacking, "seccomp"]


def allow_cpu_seconds(seconds: int) -> None:
    """Lets this process use so much more CPU time, after which the kernel kills it (SIGXCPU)."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_DATA, DATA_BYTES),
        (resource.RLIMIT_AS, ADDRESS_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _readable(folder: Path, programs: Iterable[Path]) -> list[Path]:
    # Only the engine of our own package: settings, keys and the database may lie beside it.
    ours = Path(__file__).resolve().parents[1]
    python = {sys.prefix, sys.base_prefix, *sysconfig.get_paths().values()}
    system = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom")
    paths = [folder, ours, *programs, *map(Path, python), *map(Path, system)]
    return [path for path in paths if path.exists()]


def _landlock(readable: list[Path]) -> bool:
    version = _libc.syscall(_LANDLOCK_CREATE, None, 0, 1)
    if version < 1:
        return False
    rights = (1 << 13) - 1
    for since, right in ((2, 13), (3, 14), (5, 15)):
        rights |= (1 << right) if version >= since else 0
    network = 3 if version >= 4 else 0
    scopes = 3 if version >= 6 else 0
    rules = struct.pack("QQQ", rights, network, scopes)[: 8 if version < 4 else 16 if version < 6 else 24]
    ruleset = _checked(_libc.syscall(_LANDLOCK_CREATE, ctypes.create_string_buffer(rules), len(rules), 0))
    for path in readable:
        allowed = _EXECUTE | _READ_FILE | (_READ_DIR if path.is_dir() else 0)
        # Shell scripts send there what nobody shall see.
        allowed |= _WRITE_FILE if str(path) == os.devnull else 0
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = ctypes.create_string_buffer(struct.pack("=Qi", allowed, handle))
        _checked(_libc.syscall(_LANDLOCK_ADD, ruleset, 1, rule, 0))
        os.close(handle)
    _checked(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0))
    os.close(ruleset)
    return True


def _seccomp() -> bool:
    """A filter that refuses sockets (but AF_UNIX, which Landlock leaves without a peer) and the calls above."""
    known = _SECCOMP.get(platform.machine())
    if known is None:
        return False
    architecture, socket, denied = known
    load, equal, give = 0x20, 0x15, 0x06
    allow, kill, refuse = 0x7FFF0000, 0x80000000, 0x00050000 | errno.EPERM
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (give, 0, 0, kill), (load, 0, 0, 0)]
    for number in denied:
        program += [(equal, 0, 1, number), (give, 0, 0, refuse)]
    program += [(equal, 0, 3, socket), (load, 0, 0, 16), (equal, 1, 0, _AF_UNIX), (give, 0, 0, refuse)]
    program += [(give, 0, 0, allow)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))
    description = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    return bool(_libc.prctl(_PR_SET_SECCOMP, 2, description, 0, 0) == 0)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"Landlock: {os.strerror(number)}")
    return result
