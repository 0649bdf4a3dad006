"""A command that comes out of a store is run again only where it can do no harm."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lrscope.config.trust import check_stored_overrides, command_again, packages_of
from lrscope.core.errors import InputError
from lrscope.core.stored_command import command_tags
from lrscope.tracking import RunStart
from lrscope.tracking.delivery.sync import prune_journal
from lrscope.tracking.journal import events as ev
from lrscope.tracking.journal.journal import TYPED, Journal, Offset, all_journals, odd_journals
from lrscope.tracking.liveness.process import this_process
from lrscope.tracking.typed_here import typed_here

NAMES_WHAT_RUNS = [
    *("os.system", "subprocess.run", "subprocess.Popen", "builtins.eval", "pickle.loads", "shutil.rmtree"),
    *("torch.hub.load", "torch.load", "torch.serialization.load", "torch.utils.cpp_extension.load_inline"),
    *("torch.utils.model_zoo.load_url", "torch.classes.load_library", "torch.ops.load_library", "torch.jit.load"),
    *("torch.compile", "torch.fx.GraphModule", "torch.package.PackageImporter", "torch.distributed.run.main"),
    *("torch.nn.init.os.system", "torch.nn.modules.module.functools.partial", "torch.nn.parallel.DataParallel"),
    *("torch.nn.Module.load_state_dict", "torch.nn.functional.relu", "torch.nn", "torch.nn.modules.linear.math.sin"),
    *("torch.optim.lr_scheduler.partial", "torch.optim.swa_utils.AveragedModel", "torch.optim.Optimizer.load"),
    *("pytorch_lightning.cli.LightningCLI", "pytorch_lightning.cli.SaveConfigCallback", "pytorch_lightning.Trainer"),
    *(
        "functools.partial",
        "hydra.utils.call",
        "hydra.utils.instantiate",
        "hydra.utils.get_method",
        "omegaconf.OmegaConf",
    ),
    *(
        "lrscope.core.stop_signals.STOP",
        "lrscope.cli.main.main",
        "lrscope.tracking.delivery.service_client.subprocess.run",
    ),
    *("lrscope.models.mlp.math.prod", "lrscope.datasets.signs.os.system", "lrscope.datasets.digits.np.load"),
    *(
        "torchlike.Evil",
        "torch_nn.Linear",
        "torchx.nn.Linear",
        "mine.Net",
        "${dataset.name}",
        "torch..nn",
        "",
        "Linear",
    ),
    *("../evil.Net", "torch.nn.Linear;x", "torch:nn"),
]
PLACES = ["model", "dataset", "optimizer", "scheduler"]


@pytest.mark.parametrize("target", NAMES_WHAT_RUNS)
def test_what_is_of_no_kind_that_its_place_asks_for_is_refused(target: str) -> None:
    words = [f"{place}._target_='{target}'" for place in PLACES]
    words.append(f"callbacks.extra=[{{_target_: '{target}'}}]")
    words.append(f"+model.activation={{_target_: '{target}'}}")
    for word in words:
        with pytest.raises(InputError, match="stored override"):
            check_stored_overrides(["lr=1,0.1", word])


@pytest.mark.parametrize(
    "word",
    [
        "optimizer._target_=torch.nn.Linear",
        "model._target_=torch.optim.Adam",
        "scheduler._target_=lrscope.datasets.digits.digits",
        "dataset._target_=lrscope.models.mlp.MLP",
        "+optimizer.inner._target_=torch.optim.Adam",
        "+trainer.x={_target_: torch.nn.ReLU}",
        "+mine={_target_: torch.nn.ReLU}",
        "callbacks.extra=[{_target_: torch.nn.ReLU}]",
        "callbacks.extra=[{_target_: pytorch_lightning.callbacks.Timer, x: {_target_: torch.nn.ReLU}}]",
    ],
)
def test_a_class_of_another_kind_is_refused(word: str) -> None:
    with pytest.raises(InputError, match="stored override"):
        check_stored_overrides([word])


@pytest.mark.parametrize(
    "word",
    [
        *(
            "--config-dir=/tmp/elsewhere",
            "-m",
            "--multirun",
            "",
            "lr",
            "a[0]=1",
            "lr=\x1b[31m",
            "x" * 5000,
            "a={" * 900,
        ),
        *("hydra.callbacks.mine._target_=lrscope.core.errors.Problem", "hydra.run.dir=/etc", "hydra.job.name=x"),
        *("hydra/launcher=submitit_slurm", "hydra.launcher.n_jobs=2", "hydra/job_logging=none", "~hydra.callbacks"),
        *("tracking.uri=sqlite:////tmp/x.db", "tracking.spool=/tmp/x", "tracking.mode=off", "tracking=off"),
        *("+tracking.every_n_steps=1", "tracking={mode: off}", "resume=latest", "trust.packages=[os]", "+trust=x"),
        *("dataset@hydra.callbacks.x=digits", "model@optimizer=mlp", "experiment@_global_=line"),
        *("model.x=${oc.env:HOME}", "model.x='${oc.env:HOME}'", "model.x=${hydra.runtime.cwd}", "lr=${now:%Y}"),
        *("model.x='${oc.create:{_target_: os.system}}'", "model.x='a${${lr}}'", "model.x=['${oc.env:HOME}']"),
        *("lr=choice(1,'${oc.env:HOME}')", "model.x={a: {b: '${lrscope_root:}'}}", "model.x=${tracking.uri}"),
        *(
            "dataset.path=/etc",
            "dataset.path=~/x",
            "dataset.path=../x",
            "dataset.path='C:\\x'",
            "dataset.path='a/../../x'",
        ),
        *("dataset.path='file:///etc'", "dataset.path='..\\x'", "dataset.path=a/..", "model=../../x", "experiment=/x"),
        *(
            "dataset.folder=conf",
            "callbacks.extra=[{_target_: pytorch_lightning.callbacks.ModelCheckpoint, dirpath: x}]",
        ),
        *("+model._args_=[1]", "+model._partial_=true", "+model._recursive_=false", "+model._convert_=none"),
        *("model._target_=torch.nn.Linear,os.system", "model._target_=choice(torch.nn.Linear,os.system)"),
        *("model={_target_: torch.nn.Linear, _partial_: true}", "model._target_.x=1", "+model.x={_target_: {a: 1}}"),
    ],
)
def test_a_stored_word_sets_the_training_and_nothing_else(word: str) -> None:
    with pytest.raises(InputError, match="stored override"):
        check_stored_overrides(["lr=1,0.1", word])


def test_what_people_type_is_believed() -> None:
    check_stored_overrides(
        [
            *("lr=1,0.01,0.0001", "seed=range(0,3)", "model.hidden=[25,12]", "experiment=line", "model=mlp,cnn"),
            *("hydra/launcher=joblib", "+model.input_shape=[10]", "~callbacks.extra", "dataset.path=data/signs"),
            *(
                "optimizer._target_=torch.optim.NAdam,torch.optim.RAdam",
                "scheduler._target_=null",
                "lr=interval(0.1,1)",
            ),
            *("scheduler._target_=torch.optim.lr_scheduler.ExponentialLR", "+scheduler.total_steps=${total_steps}"),
            *(
                "scheduler._target_=lrscope.schedules.warmup_cosine.warmup_cosine",
                "experiment_name=a/b",
                "dataset=glob(*)",
            ),
            *("model={_target_: lrscope.models.mlp.MLP, hidden: [3]}", "+model.act={_target_: torch.nn.ReLU}"),
            *("dataset._target_=lrscope.datasets.blobs.blobs", "callbacks.stop_when=[]", "trainer.precision=64-true"),
            "callbacks.extra=[{_target_: pytorch_lightning.callbacks.EarlyStopping, monitor: val/loss}]",
            "callbacks.extra=[{_target_: lrscope.callbacks.count_examples.CountExamples}]",
        ]
    )


MINE = """
from pathlib import Path
from subprocess import run
from torch import nn
from lrscope.datasets.data import Data

Path(__file__).with_name("imported").touch()

class Net(nn.Module): ...
class Tool: ...
def network() -> nn.Module: ...
def rings(): ...
def data() -> Data: ...
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A colleague's module; the file that its import makes."""
    (tmp_path / "colleagues_part.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "colleagues_part", raising=False)
    return tmp_path / "imported"


def test_a_colleagues_package_is_not_even_imported(mine: Path) -> None:
    with pytest.raises(InputError) as caught:
        check_stored_overrides(["model._target_=colleagues_part.Net"])
    assert "packages: [colleagues_part]" in str(caught.value) and "--trust colleagues_part" in str(caught.value)
    assert not mine.exists()


def test_after_one_line_its_classes_are_believed_for_their_kind(mine: Path) -> None:
    for word in ("model._target_=colleagues_part.Net", "model._target_=colleagues_part.network"):
        check_stored_overrides([word, "dataset._target_=colleagues_part.data"], ["colleagues_part"])
    assert mine.exists()
    for target in ("Tool", "run", "nn.Linear.forward", "nn.parallel.DataParallel", "Path", "data", "nothing"):
        with pytest.raises(InputError):
            check_stored_overrides([f"model._target_=colleagues_part.{target}"], ["colleagues_part"])


def test_a_function_that_does_not_say_what_it_returns_is_trusted_by_its_name(mine: Path) -> None:  # noqa: ARG001
    word = "dataset._target_=colleagues_part.rings"
    with pytest.raises(InputError, match=r"packages: \[colleagues_part, colleagues_part.rings\]"):
        check_stored_overrides([word], ["colleagues_part"])
    check_stored_overrides([word], ["colleagues_part.rings"])


@pytest.mark.parametrize("package", ["os", "subprocess", "builtins", "functools", "hydra", "torch", "subprocess.run"])
def test_trusting_a_library_opens_nothing(package: str) -> None:
    for target in ("os.system", "subprocess.run", "builtins.eval", "functools.partial", "torch.hub.load"):
        with pytest.raises(InputError):
            check_stored_overrides([f"model._target_={target}"], [package])


def test_what_is_typed_is_believed_and_goes_before_what_is_stored() -> None:
    stored = ["lr=1,0.1", "dataset.path=/data/signs", "tracking.log_model=none"]
    with pytest.raises(InputError, match=r"dataset\.path=/data/signs: leads out(.|\n)*tracking\.log_model=none"):
        command_again(stored)
    typed = ["dataset.path=/data/signs", "tracking.log_model=all"]
    assert command_again(stored, typed) == ["lr=1,0.1", *typed]


def test_a_whole_path_into_the_project_is_believed_and_out_of_it_is_not(project: Path) -> None:
    """lrscope writes a command's relative paths down as whole ones."""
    (project / "out").symlink_to("/etc")
    check_stored_overrides([f"dataset.path={project}/data.csv", f"dataset.val_path={project}/a/b.csv,{project}/c.csv"])
    for path in ("/etc/passwd", f"{project}/../x", f"{project}/out/passwd", f"{project}-2/x", "/"):
        with pytest.raises(InputError, match=rf"type it yourself, behind the command: dataset\.path={path}$"):
            check_stored_overrides([f"dataset.path={path}"])


def test_a_path_that_was_typed_here_is_believed_by_the_word_of_the_own_journal(project: Path) -> None:
    words = ("lr=1,0.1", "dataset.path=/data/signs", "model._target_=os.system", "+model._partial_=true")
    recorded = {"here": this_process(), "elsewhere": replace(this_process(), machine="another")}
    for local_id, process in recorded.items():
        begun = RunStart("e", "lr × 2", "sweep", local_id, tags={"lrscope.overrides": json.dumps(words)})
        journal = Journal.of(project, local_id)
        journal.folder.mkdir()
        journal.append(ev.encode(ev.Started(begun, 0, process.to_tags(), None)))
    assert typed_here(project, "here") == words
    assert typed_here(project, "elsewhere") == typed_here(project, "none") == typed_here(project, "../here") == ()
    own = typed_here(project, "here")
    assert command_again(words[:2], own=own) == [*words[:2]]
    for others in (["dataset.path=/data/other"], ["dataset.path=/data/signs/"], *([word] for word in words[2:])):
        with pytest.raises(InputError, match="stored override"):
            command_again(others, own=own)


def test_what_was_typed_here_outlives_its_journal_on_this_machine_alone(project: Path) -> None:
    words = ("lr=0.1", "dataset.path=/data/signs,/data/more")
    begun = RunStart("e", "lr", "run", "here", tags=command_tags(words))
    journal = Journal.of(project, "here")
    journal.folder.mkdir()
    journal.append(ev.encode(ev.Started(begun, 0, this_process().to_tags(), None)))
    journal.append(ev.encode(ev.Ended("FINISHED", 1)))
    journal.set_offset(Offset(journal.size(), run_id="0" * 32, ended="FINISHED"))
    prune_journal(journal)
    assert not journal.exists()
    assert typed_here(project, "here") == words
    assert "dataset.path=/data/more" in typed_here(project, "a member", sweep="here")
    assert typed_here(project, "her") == () and list(odd_journals(project)) == [] and all_journals(project) == []
    kept = project / TYPED
    kept.write_text(kept.read_text().replace(this_process().machine, "another"))
    assert typed_here(project, "here") == ()
    kept.write_text("[]\nno json\n" + kept.read_text())
    assert typed_here(project, "here") == ()


def test_the_file_of_trusted_packages(tmp_path: Path) -> None:
    file = tmp_path / "trust.yaml"
    assert packages_of(file) == ()
    for text in ("", "packages:", "packages: []", "# nothing"):
        file.write_text(text)
        assert packages_of(file) == ()
    file.write_text("packages: [mine, company.models, mine.rings]")
    assert packages_of(file) == ("mine", "company.models", "mine.rings")
    for text in (
        "packages: mine",
        "- mine",
        "packages: ['*']",
        "packages: [a b]",
        "packages: {a: 1}",
        "x: [",
        "packages: ['']",
    ):
        file.write_text(text)
        with pytest.raises(InputError, match="list of packages"):
            packages_of(file)


def test_the_number_of_workers_that_was_typed_here_is_believed() -> None:
    word = "hydra.launcher.n_jobs=2"
    check_stored_overrides([word], own=[word])
    for other in (
        "hydra.launcher._target_=os.system",
        "hydra.launcher.n_jobs={_target_: os.system}",
        "hydra.run.dir=/x",
    ):
        with pytest.raises(InputError, match="Hydra's own configuration"):
            check_stored_overrides([other], own=[other])


@pytest.mark.parametrize(
    "word",
    [
        "sweep.engine=slurm",
        "sweep.engine_options.setup=[id]",
        "sweep.engine_options.address=h:1",
        "sweep.workers=9999",
        "sweep={engine_options:{setup:[id]}}",
    ],
)
def test_no_store_sends_jobs_elsewhere_but_what_was_typed_here_does(word: str) -> None:
    with pytest.raises(InputError, match="where members train"):
        check_stored_overrides([word])
    check_stored_overrides([word], own=[word])
    check_stored_overrides(["sweep.engine=joblib", "sweep.retries=1"])
