"""The layout of the project: which way imports point, that every module has its tests, what git and the locks hold."""

import ast
import re
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import bootstrap

ROOT = Path(__file__).parent.parent
PACKAGES = ("certs", "chat", "capture", "lab")
# what students begin with is text here, and no module
FILES = sorted(
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if path.name != "starter.py" and path.parent.name != "naive"
)

# The picture in lab/pipeline.py: what stands further down may import what stands above it, never the reverse.
FLOW = (
    ("chat.errors", "chat.escape", "chat.confusables", "chat.notices"),
    ("chat.lines", "chat.names"),
    ("chat.protocol",),
    ("chat.outbox",),
    ("chat.rooms",),
    ("chat.limits", "chat.rate", "chat.log", "chat.listening", "chat.wire", "chat.security"),
    ("chat.server", "chat.client"),
    ("lab.scenario",),
    ("lab.play",),
    ("capture.segment",),
    ("capture.packets", "capture.frames"),
    ("capture.fragments", "capture.files"),
    ("capture.output",),
    ("capture.pcapng",),
    ("capture.readers.headers",),
    ("capture.readers.tshark",),
    ("capture.readers.native", "capture.readers.pyshark", "capture.readers.scapy"),
    ("capture.readers",),
    ("capture.bpf",),
    ("capture.sources.source",),
    ("capture.sources.growing",),
    ("capture.sources.packet_socket", "capture.sources.programs"),
    ("capture.sources",),
    ("capture.engines.engine", "capture.engines.feed"),
    ("capture.engines.keys",),
    ("capture.engines.native", "capture.engines.tshark", "capture.engines.threaded"),
    ("capture.engines",),
    ("capture.recorder",),
    ("capture.live", "capture.tap"),
    ("capture.blocking",),
    ("capture.streams",),
    ("capture.tls",),
    ("capture.registry",),
    ("capture.fields",),
    ("capture.extensions",),
    ("capture.hello",),
    ("capture.ja3", "capture.protection", "capture.schedule"),
    ("capture.alert", "capture.handshake", "capture.inside", "capture.opened", "capture.upgrade"),
    ("capture.decrypt",),
    ("capture.stolen",),
    ("capture.decode",),
    ("capture.secrets", "capture.export"),
    ("capture.dissection",),
    ("capture.anatomy",),
    ("capture.dissectors.sharkd", "capture.dissectors.pdml", "capture.dissectors.native"),
    ("capture.dissectors", "capture.explanations"),
    ("lab.overhear",),
    ("lab.verdict",),
    ("lab.visible",),
    ("lab.capturing",),
    ("lab.record",),
    ("lab.pipeline",),
    ("lab.evidence", "lab.presentation"),
    ("lab.report.wire",),
    ("lab.report.messages", "lab.report.numbers", "lab.report.frames"),
    ("lab.report.story",),
    ("lab.report.making",),
    ("lab.report.widget",),
    ("lab.scenarios.shape", "lab.scenarios.relay", "lab.scenarios.alerts", "lab.scenarios.codecs"),
    ("lab.scenarios.page", "lab.scenarios.talker", "lab.scenarios.tunnel"),
    ("lab.scenarios.keys.scenario", "lab.scenarios.fakes.scenario", "lab.scenarios.tamper.scenario"),
    ("lab.watch",),
    ("lab.cli_run",),
    ("lab.cli_capture", "lab.cli_live", "lab.cli_decrypt", "lab.cli_scenario"),
    ("lab.cli",),
    ("lab.__main__",),
)


def module_name(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


def imported(path: Path) -> Iterator[str]:
    """Yield what a file imports, wherever in it, as full names: modules of the project, else the top-level package."""
    for node in ast.walk(ast.parse((ROOT / path).read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide where a name comes from"
            assert node.module is not None
            submodules = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in submodules]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("import_module", "__import__")):
            argument = ast.unparse(node.args[0])
            assert path == Path("capture/readers/__init__.py"), f"{path}: imports {argument} where no test sees it"
            assert argument == "f'capture.readers.{reader}'"
            names = [name for name in MODULES if re.fullmatch(r"capture\.readers\.(tshark|native|pyshark|scapy)", name)]
        yield from names


def project_imports(path: Path) -> set[str]:
    return {name for name in imported(path) if name.partition(".")[0] in PACKAGES}


def test_the_walk_sees_the_imports() -> None:
    """A test of these tests: they would all pass if nothing were found."""
    assert set(PACKAGES) <= set(MODULES)
    assert "capture.streams" in project_imports(Path("capture/tls.py"))
    assert {"capture.live", "capture.rights"} <= project_imports(Path("lab/capturing.py"))
    assert "capture.readers.scapy" in project_imports(Path("capture/readers/__init__.py"))
    assert "lab.pipeline" in project_imports(Path("lab/cli.py"))


@pytest.mark.parametrize("package", ["certs", "chat", "capture"])
def test_packages_know_nothing_of_their_siblings(package: str) -> None:
    foreign = {
        f"{path}: {name}"
        for path in FILES
        if path.parts[0] == package
        for name in project_imports(path)
        if name.partition(".")[0] != package
    }
    assert foreign == set()


def test_imports_point_forward() -> None:
    place = {name: number for number, names in enumerate(FLOW) for name in names}
    assert set(place) <= set(MODULES), "the flow names only what there is"
    backward = {
        f"{name} imports {other}"
        for name in place
        for other in project_imports(MODULES[name])
        if place.get(other, -1) >= place[name]
    }
    assert backward == set()


def test_imports_make_no_circle() -> None:
    graph = {name: project_imports(path) & set(MODULES) for name, path in MODULES.items()}
    done: set[str] = set()

    def walk(name: str, above: tuple[str, ...]) -> None:
        assert name not in above, " imports ".join((*above[above.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                walk(other, (*above, name))
            done.add(name)

    for name in graph:
        walk(name, ())


def test_nothing_outside_imports_the_lab() -> None:
    others = [*ROOT.glob("*.py"), *(ROOT / "docs").rglob("*.py")]
    importers = {str(path) for path in others if any(name.startswith("lab") for name in imported(path))}
    assert importers == set()


@pytest.mark.parametrize("library", ["scapy", "pyshark"])
def test_each_reader_has_its_library_to_itself(library: str) -> None:
    importers = {str(path) for path in FILES if library in {name.partition(".")[0] for name in imported(path)}}
    assert importers == {f"capture/readers/{library}.py"}


def wanted_tests() -> set[Path]:
    """The test file of every module: tests/<package>/test_<module>.py; an __init__.py needs one if it has code."""
    wanted = set()
    for path in FILES:
        stem = path.stem.strip("_")
        code = [node for node in ast.parse((ROOT / path).read_text()).body if not is_docstring(node)]
        if path.stem != "__init__" or code:
            wanted.add(Path("tests") / path.parent / f"test_{stem}.py")
    return wanted


def is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_every_module_has_its_tests() -> None:
    missing = {str(path) for path in wanted_tests() if not (ROOT / path).exists()}
    assert missing == set()


def test_no_tests_without_a_module() -> None:
    there = {path.relative_to(ROOT) for path in (ROOT / "tests").rglob("test_*.py")}
    # demos and notebooks run as a whole, the report in a browser; pages are no modules, and this file is about all
    elsewhere = {"demo", "notebooks", "hostile", "browser", "class_of_30", "test_docs.py"}
    there = {path for path in there if not elsewhere & set(path.parts)} - {Path("tests/test_layout.py")}
    assert {str(path) for path in there - wanted_tests()} == set()


def tracked(git: str) -> list[Path]:
    done = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=30,
    )
    if done.returncode:
        pytest.skip("this is no git repository")
    names = [name.decode() for name in done.stdout.split(b"\0") if name]
    return [Path(name) for name in names if (ROOT / name).is_file()]


PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:[A-Za-z-]+: .*\s+)*[A-Za-z0-9+/=\r\n]{40}")
KEY_LOG = re.compile(rb"^[A-Z_0-9]{3,} [0-9a-fA-F]{64} (?:[0-9a-fA-F]{2}){32,}\s*$", re.MULTILINE)


def test_no_keys_are_kept(tool: Callable[[str], str]) -> None:
    """Neither in what git has nor in what the next `git add` would give it."""
    files = tracked(tool("git"))
    assert Path("pyproject.toml") in files
    kept = set()
    for path in files:
        if path.parts[:2] == ("tests", "data"):
            continue  # material for tests, worth nothing to anyone
        data = (ROOT / path).read_bytes()
        if PRIVATE_KEY.search(data) or KEY_LOG.search(data):
            kept.add(str(path))
    assert kept == set()


def test_a_key_would_be_seen(tmp_path: Path, tool: Callable[[str], str]) -> None:
    key = subprocess.run(
        [tool("openssl"), "genpkey", "-algorithm", "ed25519"], capture_output=True, check=True, timeout=30
    )
    assert PRIVATE_KEY.search(key.stdout)
    for line in (ROOT / "tests" / "data" / "tls13.keys.txt").read_bytes().splitlines():
        assert line.startswith(b"#") or KEY_LOG.search(line)
    assert not list(tmp_path.iterdir())


def locked(name: str) -> dict[str, tuple[str, set[str]]]:
    """The version and hashes of each package of a lock file."""
    found: dict[str, tuple[str, set[str]]] = {}
    for entry in re.split(r"\n(?=\S)", (ROOT / name).read_text("ascii")):
        if entry.startswith("#") or not entry.strip():
            continue
        package = re.match(r"([A-Za-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", entry)
        assert package, f"{name}: {entry.splitlines()[0]} is not pinned"
        assert package[1] not in found
        found[package[1]] = package[2], set(re.findall(r"--hash=sha256:([0-9a-f]{64})\b", entry))
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in ROOT.glob("requirements*.lock")))
def test_locks_pin_everything_by_hash_and_name_no_index(name: str) -> None:
    text = (ROOT / name).read_text("ascii")
    assert not re.search(r"https?:|index-url|find-links|trusted-host", text, re.IGNORECASE)
    packages = locked(name)
    assert packages
    assert [package for package, (_, hashes) in packages.items() if not hashes] == []


def test_what_the_tests_need_includes_what_the_lab_needs() -> None:
    run, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    notebook = locked("requirements-notebook.lock")
    assert {package: dev.get(package) for package in run} == run == {package: notebook.get(package) for package in run}
    assert {package: dev.get(package) for package in notebook} == notebook


def test_the_locks_have_what_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    def names(requirements: list[str]) -> set[str]:
        return {re.split(r"[^A-Za-z0-9._-]", requirement)[0].lower() for requirement in requirements}

    assert names(project["project"]["dependencies"]) <= set(locked("requirements.lock"))
    assert names(project["dependency-groups"]["dev"]) <= set(locked("requirements-dev.lock"))


def test_every_place_names_the_same_pythons() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    oldest, newest = bootstrap.OLDEST, bootstrap.NEWEST
    assert oldest[0] == newest[0] == 3
    assert project["project"]["requires-python"] == f">=3.{oldest[1]},<3.{newest[1] + 1}"
    assert project["tool"]["mypy"]["python_version"] == f"3.{oldest[1]}"
    assert project["tool"]["ruff"]["target-version"] == f"py3{oldest[1]}"
    makefile = (ROOT / "Makefile").read_text()
    assert f"({oldest[0]}, {oldest[1]}) <= sys.version_info[:2] <= ({newest[0]}, {newest[1]})" in makefile
    for minor in range(oldest[1], newest[1] + 1):
        assert f"python3.{minor}" in makefile
