from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from lrscope.tracking.liveness.process import ProcessIdentity, fate, this_process


def _child() -> tuple[subprocess.Popen[bytes], ProcessIdentity]:
    code = "import sys\nfrom lrscope.tracking.liveness.process import this_process\n"
    code += "print(this_process().to_tags(), flush=True)\nsys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    import ast

    identity = ProcessIdentity.from_tags(ast.literal_eval(child.stdout.readline().decode()))
    assert identity is not None and identity.pid == child.pid
    return child, identity


def test_a_process_is_alive_until_it_is_killed() -> None:
    child, identity = _child()
    with child:
        assert fate(identity) == "alive"
        child.kill()
        child.wait()
    assert fate(identity) == "gone"


def test_a_zombie_is_gone() -> None:
    child, identity = _child()
    with child:
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert fate(identity) == "gone"


def test_the_same_id_with_another_start_time_is_another_process() -> None:
    assert fate(this_process()) == "alive"
    assert fate(replace(this_process(), started="1")) == "gone"


def test_nothing_is_known_of_another_machine_boot_or_container() -> None:
    here = this_process()
    for other in (replace(here, machine="m"), replace(here, boot="b"), replace(here, namespace="n")):
        assert fate(replace(other, pid=999_999_999)) == "unknown"


def test_a_forked_child_is_not_its_parent() -> None:
    parent = this_process()
    pid = os.fork()
    if pid == 0:
        os._exit(0 if this_process().pid == os.getpid() != parent.pid else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_tags_of_another_program_name_no_process() -> None:
    assert ProcessIdentity.from_tags({}) is None
    assert ProcessIdentity.from_tags({**this_process().to_tags(), "lrscope.process.pid": "x"}) is None
    assert ProcessIdentity.from_tags(this_process().to_tags()) == this_process()
