"""The command line. Only what a command needs is imported, when it is needed."""

import argparse
import difflib
import importlib
import inspect
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from ganflow.base.environment import in_utf8, pin
from ganflow.base.errors import GanflowError, ParameterError
from ganflow.base.paths import MODEL, RAW, state_folder
from ganflow.base.progress import waiting
from ganflow.extras import EXTRA_OF, missing, require

STAGES = {
    "prepare": "make the training set from data/raw",
    "extractor": "train the classifier whose features measure every model",
    "train": "train the generator",
    "sample": "make images with the trained generator",
    "evaluate": "measure the images, and say how sure the numbers are",
    "report": "write the page that people look at",
}

FORMATS = ("card", "keras", "onnx", "saved_model", "web")

LOGGER = logging.getLogger("ganflow")

Action = Callable[[argparse.Namespace], int | None]


class Tool(NamedTuple):
    """A command that is no stage: what the help says about it, and what it does."""

    summary: str
    description: str
    arguments: tuple[tuple[tuple[str, ...], dict[str, Any]], ...]
    action: Action


TOOLS: dict[str, Tool] = {}


def tool(
    name: str, summary: str, description: str, *arguments: tuple[tuple[str, ...], dict[str, Any]]
) -> Callable[[Action], Action]:
    """Make a function the command `name`."""

    def add(action: Action) -> Action:
        TOOLS[name] = Tool(summary, description, arguments, action)
        return action

    return add


def argument(*names: str, **options: Any) -> tuple[tuple[str, ...], dict[str, Any]]:
    """What `ArgumentParser.add_argument` is called with."""
    return names, options


def command() -> int:
    """The command `ganflow`, whatever the locale."""
    in_utf8()
    return main()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0, or that of the error, 2 for a wrong parameter."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    unused = pin()
    _log_to_stderr()
    try:
        if unused:
            LOGGER.info("not used, as it may shape a result: %s", ", ".join(unused))
        _know(given)
        options = _parser().parse_args(given)
        LOGGER.setLevel(getattr(options, "level", logging.INFO))
        status = options.action(options) or 0
        sys.stdout.flush()  # here, where a reader that has left is no error
        return status
    except GanflowError as error:
        LOGGER.error(error, exc_info=LOGGER.isEnabledFor(logging.DEBUG))
        return error.status
    except ModuleNotFoundError as error:
        if error.name not in EXTRA_OF:
            raise
        LOGGER.error(missing(error.name), exc_info=LOGGER.isEnabledFor(logging.DEBUG))
        return GanflowError.status
    except KeyboardInterrupt:
        LOGGER.error("interrupted")
        return 130
    except BrokenPipeError:  # `ganflow recipe | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        if error.filename is None:
            raise
        LOGGER.error(
            GanflowError(
                f"{error.strerror}",
                where=str(error.filename),
                expected="files and folders that this user may read, and outputs that it may write",
                run=f"ls -ld {error.filename}",
            ),
            exc_info=LOGGER.isEnabledFor(logging.DEBUG),
        )
        return GanflowError.status


def _log_to_stderr() -> None:
    """Send what `ganflow` logs to today's standard error, whoever has called `main` before."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("ganflow: %(message)s"))
    LOGGER.handlers = [handler]
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False


def _know(arguments: Sequence[str]) -> None:
    """Refuse a command that is not there, with the nearest one that is."""
    name = next((word for word in arguments if not word.startswith("-")), None)
    if name is None or name in {**STAGES, **TOOLS} or "--print-completion" in arguments:
        return
    near = difflib.get_close_matches(name, [*STAGES, *TOOLS], n=1)
    raise ParameterError(
        f"there is no command `{name}`" + (f"; did you mean `{near[0]}`?" if near else ""),
        run="ganflow --help",
    )


class _ShowVersion(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import ganflow

        print(f"ganflow {ganflow.__version__}")
        parser.exit()


class _PrintCompletion(argparse.Action):
    def __call__(
        self, parser: argparse.ArgumentParser, _: object, shell: Any, __: object = None
    ) -> None:
        from ganflow.completion import script

        print(script(parser, shell))
        parser.exit()


def _parser() -> argparse.ArgumentParser:
    common = _verbosity()
    parser = argparse.ArgumentParser(
        prog="ganflow",
        usage="ganflow COMMAND [-h] ...",
        description="Train GANs on images: DVC versions every artifact, Prefect schedules.",
        epilog=_overview(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        add_help=False,
        parents=[_verbosity(hidden=True)],
    )
    parser.add_argument("-h", "--help", action="help", help=argparse.SUPPRESS)
    parser.add_argument("--version", action=_ShowVersion, nargs=0, help=argparse.SUPPRESS)
    parser.add_argument(
        "--print-completion",
        action=_PrintCompletion,
        choices=["bash", "zsh", "tcsh"],
        help=argparse.SUPPRESS,
    )
    parser.set_defaults(action=lambda options: parser.print_help())
    commands = parser.add_subparsers(help=argparse.SUPPRESS, prog="ganflow")

    def command(name: str, summary: str, about: str, action: Action) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=summary, description=about, parents=[common])
        added.set_defaults(action=action)
        return added

    for name, summary in STAGES.items():
        about = f"Stage {name}: {summary}. Its files and parameters are listed in dvc.yaml."
        stage = command(name, summary, about, _run_stage)
        stage.set_defaults(stage=name, join=False)
        if name == "train":
            stage.add_argument(
                "--join",
                action="store_true",
                help="train with the chief that TF_CONFIG names, and write nothing",
            )
    for name, described in TOOLS.items():
        added = command(name, described.summary, described.description, described.action)
        for names, settings in described.arguments:
            added.add_argument(*names, **settings)
    return parser


def _verbosity(hidden: bool = False) -> argparse.ArgumentParser:
    """`-v` and `-q`, before a command (where the help does not list them) and after it."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    either = options.add_mutually_exclusive_group()
    for short, long, level, about in (
        ("-v", "--verbose", logging.DEBUG, "say more, and where an error came from"),
        ("-q", "--quiet", logging.WARNING, "say only warnings and errors, and the result"),
    ):
        either.add_argument(
            short,
            long,
            dest="level",
            action="store_const",
            const=level,
            help=argparse.SUPPRESS if hidden else about,
        )
    return options


def _overview() -> str:
    return "\n".join(
        [
            "stages (`dvc repro` runs those whose inputs changed):",
            *(f"  {name:12}{summary}" for name, summary in STAGES.items()),
            "",
            "tools:",
            *(f"  {name:12}{described.summary}" for name, described in TOOLS.items()),
            "",
            "`ganflow COMMAND --help` says more about one, `ganflow --version` the version.",
            "With -v a command says more, with -q only warnings, errors and its result.",
            "`ganflow --print-completion bash` (or zsh, tcsh) prints what completes commands.",
        ]
    )


def _run_stage(options: argparse.Namespace) -> None:
    from ganflow.base.runtime import quiet_start
    from ganflow.config.params import load, sections_of
    from ganflow.gan.checkpoint import forget_recorded
    from ganflow.stages.lineage import recorded

    with _restorable(), recorded(options.stage):
        params = load()
        forget_recorded()
        with quiet_start():
            stage = importlib.import_module(f"ganflow.stages.{options.stage}")
        part = stage.join if options.join else stage.run
        with _watched(options.stage, part) as watched:
            watched(**{name: getattr(params, name) for name in sections_of(part)})


@contextmanager
def _watched(stage: str, run: Callable[..., None]) -> Iterator[Callable[..., None]]:
    """A stage's `run` that tells the live folder what it knows, if it trains.

    That stands here and in no stage, since what watches a stage is none of its inputs.
    """
    if "callbacks" not in inspect.signature(run).parameters:
        yield run
        return
    from ganflow.live.callback import LiveLog
    from ganflow.live.own_callbacks import own_callbacks

    own = own_callbacks(Path.cwd())
    with LiveLog(stage) as log:
        yield partial(run, callbacks=[log, *own])


@contextmanager
def _restorable() -> Iterator[None]:
    """Say how to get the last outputs back: DVC deletes a stage's outputs before it runs it."""
    try:
        yield
    except BaseException:
        stage = os.environ.get("DVC_STAGE")
        if stage:
            LOGGER.warning("`dvc checkout` puts the last good outputs back")
        if stage == "evaluate":  # its output is in git, and not in DVC's cache
            LOGGER.warning("`git restore data/evaluation` does so with the numbers")
        raise


def _waiting(what: str) -> AbstractContextManager[None]:
    """Show that work goes on; with `-q`, show nothing."""
    LOGGER.debug(what)
    return waiting(what) if LOGGER.isEnabledFor(logging.INFO) else nullcontext()


def _json(values: Any) -> str:
    """The result of a command, for a program."""
    return json.dumps(values, indent=2, ensure_ascii=False)


@tool(
    "init",
    "make a project for your own images",
    "Write a git repository with the stages, the flows and the workflow of a project for your own "
    "images, which uses ganflow as a library. In a repository that is there, add them.",
    argument("folder", metavar="NAME", help="the project's folder, new or a repository"),
    argument("--data", metavar="PATH", help="a folder of images, an archive or an array file"),
    argument("--recipe", metavar="NAME", help="one of `ganflow recipe`"),
    argument("--no-git", action="store_true", help="make no repository"),
)
def _init(options: argparse.Namespace) -> None:
    from ganflow.template.writing import init

    # What it has begun is then removed, as after Ctrl-C.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    data = Path(options.data) if options.data else None
    for line in init(Path(options.folder), data, options.recipe, with_git=not options.no_git):
        print(line)


@tool(
    "params",
    "check params.yaml, or say what a parameter means",
    "Check params.yaml, and that its data is there, and say what is wrong. With the name of a "
    "parameter or a section: say what it is, what is allowed there, and what it is now.",
    argument("key", nargs="?", metavar="KEY", help="such as train or train.generator"),
    argument("--json", action="store_true", help="print the values as JSON, defaults included"),
)
def _check_params(options: argparse.Namespace) -> None:
    from ganflow.base.dotted import parts_of, value_at
    from ganflow.config.params import describe, load
    from ganflow.versions.doctor import require_inputs

    if options.key or options.json:
        about = describe(options.key or "")  # which refuses an unknown key
        values = load().model_dump(mode="json")
        print(_json(value_at(values, parts_of(options.key or ""))) if options.json else about)
        return
    require_inputs(Path())
    print("params.yaml is right")


@tool(
    "plan",
    "say how long a run will take, and what fits in some minutes",
    "Measure, in about a minute, what a run of this project will take: time, memory and disk of "
    "each stage that DVC would run. With --minutes, say how many training images fit.",
    argument("--minutes", type=float, help="in which a run is to end"),
    argument("--json", action="store_true", help="print JSON"),
)
def _plan(options: argparse.Namespace) -> None:
    from ganflow.config.params import load
    from ganflow.plan.planning import in_words, plan
    from ganflow.versions.doctor import require_inputs

    require_inputs(Path())
    params = load()
    with redirect_stdout(sys.stderr):  # whatever is said meanwhile
        found = plan(Path(), params, options.minutes)
    print(_json(found.to_dict()) if options.json else "\n".join(in_words(found, params)))


@tool(
    "upgrade",
    "bring a project to the installed version",
    "Write the installed versions of TensorFlow, Keras, NumPy, SciPy and Pillow to ganflow.lock, "
    "and the code of each stage where ganflow is installed; rename parameters and change stages "
    "whose form is another in this version; and say which stages will therefore run again.",
)
def _upgrade(options: argparse.Namespace) -> None:
    from ganflow.stages import lock
    from ganflow.template.migration import upgrade

    said, changed = upgrade(Path())
    print("".join(f"{line}\n" for line in said), end="")
    if changed:
        print(f"recorded: {lock.in_words(changed)}")
        print(f"dvc repro will run again: {', '.join(lock.stages_of(Path(), set(changed)))}")
    elif not said:
        print("ganflow.lock has the installed versions")
    else:
        print("dvc status says what will run again")


@tool(
    "recipe",
    "write a named set of parameters into params.yaml",
    "Write a recipe's networks, objective and training into params.yaml; everything else "
    "there stays as it is.",
    argument("name", nargs="?", metavar="NAME", help="leave it out for a list"),
)
def _write_recipe(options: argparse.Namespace) -> None:
    from ganflow.config.recipe import recipe_names, summary, write_recipe

    if options.name is None:
        for name in recipe_names():
            print(f"{name:12} {summary(name)}")
        return
    changed = write_recipe(options.name)
    print("\n".join(changed) if changed else "params.yaml holds this recipe already")


@tool(
    "data",
    "show what the pipeline would make of a folder of images",
    "Show what `prepare` would make of a source with the `data` section of params.yaml: a "
    "table, and a contact sheet as a PNG. Nothing below data/ is written.",
    argument("verb", choices=["show"], metavar="show", help=argparse.SUPPRESS),
    argument(
        "source", nargs="?", metavar="SOURCE", help="a name below data/raw, by default data.source"
    ),
    argument("--picture", metavar="FILE", help="the contact sheet, by default .ganflow/SOURCE.png"),
)
def _show_data(options: argparse.Namespace) -> None:
    from ganflow.config.params import check, load
    from ganflow.data.preview import show

    data = load().data
    if options.source:
        try:
            data = check({"data": {**data.model_dump(), "source": options.source}}).data
        except ParameterError as error:
            raise ParameterError(error.what, run="ganflow data show NAME") from None
    picture = Path(options.picture or state_folder() / f"{data.source}.png")
    show(data, RAW, picture)
    print(f"contact sheet: {picture}")


@tool(
    "studio",
    "open a page to play with the trained generator",
    "Serve a page, and an HTTP API, that make images with the model in data/model.",
    argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)"),
    argument("--port", type=int, default=8765, help="0 is any free one (%(default)s)"),
    argument("--threads", type=int, help="of TensorFlow, by default every processor"),
    argument(
        "--compare",
        metavar="REVISION",
        action="append",
        default=[],
        help="a git revision whose model to show beside the current one; may be given again",
    ),
)
def _serve_studio(options: argparse.Namespace) -> None:
    from ganflow.studio import serve
    from ganflow.versions.models import model_at

    models = {"current": MODEL}
    for revision in options.compare:
        with _waiting(f"bringing the model of {revision}"):
            models[revision] = model_at(revision, Path.cwd(), state_folder())
    serve(options.host, options.port, models=models, threads=options.threads)


@tool(
    "export",
    "write the trained generator in a format that others read",
    "Write the trained generator as a .keras file, as a SavedModel for TensorFlow Serving, as an "
    "ONNX file, as one HTML file that makes pictures in a browser, or as a folder for a model hub "
    "(card), and check it in a fresh process: it must make the same pixels.",
    argument("form", choices=FORMATS, metavar="FORMAT", help=", ".join(FORMATS)),
    argument("target", metavar="TARGET", help="a new folder; for onnx and web a new file"),
    argument("--rev", metavar="REVISION", help="a git revision whose model to take"),
    argument(
        "--licence",
        "--license",
        metavar="NAME",
        default="unknown",
        help="of the data set, for a card, as model hubs name it (%(default)s)",
    ),
)
def _export(options: argparse.Namespace) -> None:
    from ganflow.base.runtime import quiet_start
    from ganflow.versions.git import commit_of
    from ganflow.versions.models import model_at

    for module in ("tf2onnx", "onnx", "onnxruntime") if options.form == "onnx" else ():
        require(module)  # before the model is loaded
    commit = commit_of(options.rev, Path.cwd()) if options.rev else None
    model = model_at(commit, Path.cwd(), state_folder()) if commit else MODEL
    target = Path(options.target)
    with _waiting(f"writing {target}, and loading it in a fresh process"), quiet_start():
        from ganflow.export.formats import export

        written = export(model, target, options.form, commit, options.licence)
    print(
        f"{written.path}: {written.checked} made the same pictures, "
        f"with pixels that differ by up to {written.difference:.2g} of 255"
    )
    if options.form == "card":
        print(f"to upload it: hf upload USER/{target.name} {target}")


@tool(
    "generate",
    "write images of a trained generator",
    "Write COUNT images of a generator: as PNGs into a new folder OUT, as one array file if OUT "
    "ends in .npz, or as one grid if it ends in .png.",
    argument("count", type=int, metavar="COUNT", help="how many"),
    argument("out", metavar="OUT", help="a folder, or a file that ends in .npz or .png"),
    argument("--classes", metavar="NAMES", help="such as 7,3, in turn; by default as in the data"),
    argument("--seed", type=int, default=0, help="another one, other images (%(default)s)"),
    argument("--truncation", type=float, default=1.0, help="below 1: less variety (%(default)s)"),
    argument(
        "--model",
        metavar="REVISION|FOLDER",
        help="a git revision or a folder whose model to take, by default data/model",
    ),
)
def _generate(options: argparse.Namespace) -> None:
    from ganflow.generate import check_target, model_folder, write_images

    target = Path(options.out)
    check_target(target)
    folder = model_folder(options.model)
    with _waiting("loading the model"):
        from ganflow.api import load
        from ganflow.marks import identity

        model = load(folder)
    labels = None
    if options.classes is not None:
        names = options.classes.split(",")
        labels = [names[place % len(names)] for place in range(options.count)]
    images, drawn = model.labelled_sample(options.count, labels, options.seed, options.truncation)
    write_images(target, images, drawn, identity(folder))
    print(f"{options.count} images in {target}")


@tool(
    "provenance",
    "say which commit, data and parameters a file was made with",
    "Say which commit, data and parameters the model had that a file was made with: a picture or "
    "an array file of generate, a picture of the studio, or an export. Ends with 1 if the file was "
    "changed.",
    argument("file", metavar="FILE", help="or a folder"),
    argument("--json", action="store_true", help="print JSON"),
)
def _say_provenance(options: argparse.Namespace) -> int:
    from ganflow.versions.provenance import in_words, provenance

    found = provenance(Path(options.file), Path.cwd())
    print(_json(found.to_dict()) if options.json else "\n".join(in_words(found)))
    return int(not found.unchanged)


@tool(
    "measure",
    "measure images from anywhere against real ones",
    "Measure images of any generator: a folder of pictures, an archive or an array file. By "
    "default against the test split of data/prepared, with the classifiers in data/extractor. "
    "Prints each metric with its interval, what real images reach, and doubts.",
    argument("folder", metavar="FOLDER", help="of pictures, or an array file"),
    argument(
        "--real",
        metavar="NAME|FOLDER",
        help="other real images: a name below data/raw, or a folder; trains classifiers on them",
    ),
    argument("--json", action="store_true", help="print JSON, with all details"),
)
def _measure(options: argparse.Namespace) -> None:
    from ganflow.api import measure, measure_in_project
    from ganflow.config.params import load

    params = load()
    with redirect_stdout(sys.stderr):  # whatever is said meanwhile
        if options.real is None:
            found = measure_in_project(options.folder, params)
        else:
            named = RAW / options.real
            real = named if named.exists() else Path(options.real)
            found = measure(options.folder, real, params=params.model_dump())
    print(_json(found.to_dict()) if options.json else found)


@tool(
    "doctor",
    "look for what would keep a run from working",
    "Look at Python, packages, disk, git, the DVC remote and Prefect, and name the command "
    "that mends what is wrong. Ends with 1 if a retraining could not start.",
    argument("--json", action="store_true", help="print JSON"),
)
def _look_around(options: argparse.Namespace) -> int:
    from ganflow.versions.doctor import everything

    with _waiting("looking around"):
        checks = everything(Path.cwd())
    status = int(any(check.needed and not check.good for check in checks))
    if options.json:
        print(_json([asdict(check) for check in checks]))
        return status
    width = max(len(check.name) for check in checks)
    for check in checks:
        mark = "ok  " if check.good else "BAD " if check.needed else "note"
        print(f"{mark}  {check.name:{width}}  {check.found}")
        if not check.good:
            print(f"{'':{width + 8}}{check.mend}")
    return status


@tool(
    "compare",
    "say whether one model or recipe is better than another",
    "Compare models of git revisions: better, worse or cannot tell. Name several revisions "
    "of one recipe, trained under different seeds, with commas between them, and the answer "
    "is about the recipe.",
    argument("base", metavar="BASE[,...]", help="revisions of what is there"),
    argument("candidate", metavar="CANDIDATE[,...]", help="revisions of what is new"),
)
def _compare(options: argparse.Namespace) -> None:
    from ganflow.versions.compare import compare

    base, candidate = (names.split(",") for names in (options.base, options.candidate))
    with _waiting("reading what DVC has of these revisions"):
        found = compare(base, candidate, Path.cwd(), state_folder())
    print(found, end="")


@tool(
    "review",
    "write the page that a pull request's reviewer reads",
    "Write the working tree's review against a base revision to standard output, as "
    "Markdown: numbers, parameters, sample grids and what the gate says.",
    argument("--base", metavar="REVISION", required=True, help="to compare with"),
    argument("--strict", action="store_true", help="end with 1 if the gate does not pass"),
)
def _review(options: argparse.Namespace) -> int:
    from ganflow.config.params import load
    from ganflow.versions.rescoring import rescored
    from ganflow.versions.review import review

    with _waiting(f"reading what DVC has of {options.base}"):
        found = review(options.base, load().gate, Path.cwd(), state_folder(), rescored)
    print(found.page, end="")
    return int(options.strict and not found.passed)


@tool(
    "start",
    "let the next training start from a trained model",
    "Put a trained model into data/start, which DVC tracks, and name it in params.yaml and in "
    "dvc.yaml: the next training starts from its networks, and train.images counts anew.",
    argument("model", metavar="REVISION|FOLDER", help="a git revision or a folder with a model"),
)
def _start(options: argparse.Namespace) -> None:
    from ganflow.versions.start import start_from

    with _waiting("bringing the model"):
        started = start_from(options.model, Path(), state_folder())
    print(
        f"data/start: the model of {options.model}, which saw {started.images:,} images\n"
        f"changed: {', '.join(started.changed)}\n"
        "run next: set train.images in params.yaml, then dvc repro"
    )


@tool(
    "rebuild",
    "train a revision's model again, and compare its bytes",
    "Train the model of a revision again in a workspace of its own, after the models that it "
    "started from, oldest first, and compare the bytes of each with those recorded. The checkout "
    "stays as it is.",
    argument("revision", metavar="REVISION", help="such as HEAD, or a tag"),
)
def _rebuild(options: argparse.Namespace) -> None:
    from ganflow.orchestration.rebuild import rebuild

    for commit in rebuild(options.revision, Path.cwd(), partial(print, flush=True)):
        print(f"the model of {commit[:12]} has the bytes that are recorded there", flush=True)


@tool(
    "rollback",
    "put the previous model back, for you to commit",
    "Put the previous model back, with its parameters, data and metrics: the newest one in "
    "git's history that is another than the present. Nothing is committed.",
)
def _roll_back(options: argparse.Namespace) -> None:
    from ganflow.versions.rollback import roll_back

    with _waiting("looking for the model before this one"):
        found = roll_back(Path())
    print(
        f"The model of {found.commit[:12]} is back. To keep it:\n"
        f'  git commit --message "Roll back to the model of {found.commit[:12]}"'
    )
