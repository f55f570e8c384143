"""What README and CONTRIBUTING say exists, and README's program runs."""

import re
import tomllib

import pytest


@pytest.fixture
def readme(repo):
    return (repo / "README.md").read_text(encoding="utf-8")


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.mark.parametrize(
    "name", ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md", "docs/keras.md"]
)
def test_links_lead_somewhere(repo, name):
    page = repo / name
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{name} links to {target}"


def test_first_screen_has_the_two_commands(readme):
    first = "\n".join(readme.splitlines()[:30])
    assert 'pip install ".[plot]" && hotloop demo' in first
    assert 'pip install ".[test]" && pytest' in first


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_commands_use_what_exists(repo, name):
    project = tomllib.loads((repo / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (repo / name).read_text(encoding="utf-8")
    commands = "\n".join(blocks(text, "sh")) + "\n".join(re.findall(r"`([^`\n]+)`", text))
    for extras in re.findall(r'"\.\[([a-z,]+)\]"', commands):
        assert set(extras.split(",")) <= set(project["optional-dependencies"])
    for script in re.findall(
        r"python ([\w/]+\.py)|`((?:tools|tests)/[\w/]+\.(?:py|sh))`", commands
    ):
        assert (repo / "".join(script)).is_file(), script
    for option in re.findall(r"-D(HOTLOOP_\w+)", commands):
        cmake = [repo / "CMakeLists.txt", *(repo / "csrc").rglob("CMakeLists.txt")]
        cmake += (repo / "cmake").glob("*.cmake")
        assert any(f"option({option}" in path.read_text(encoding="utf-8") for path in cmake), option


def test_subcommands_exist(readme):
    from hotloop.cli import main

    names = {words.split()[0] for words in re.findall(r"\bhotloop ([a-z]+)\b(?=`|\n)", readme)}
    assert {"demo", "info"} <= names
    for name in names:
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        assert stop.value.code == 0


def test_environment_variables_are_read(repo, readme):
    sources = [*(repo / "src").rglob("*.py"), *(repo / "csrc").rglob("*.c")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for name in set(re.findall(r"`(HOTLOOP_\w+)`", readme)):
        assert f'"{name}"' in text, name


def test_programs_run(readme, data_dir, capsys):
    """The blocks follow one another, as a reader would type them."""
    names = {}
    for code in blocks(readme, "python"):
        exec(compile(code, "README.md", "exec"), names)
    assert names["accuracy"] > 0.97
    assert capsys.readouterr().out.rstrip().endswith("7")
