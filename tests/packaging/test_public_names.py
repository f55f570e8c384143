"""Every public name resolves, and what an editor sees is what is there."""

import ast
import importlib

import pytest

import hotloop


@pytest.mark.parametrize("name", hotloop.__all__)
def test_name_resolves(name):
    assert getattr(hotloop, name) is not None
    assert name in dir(hotloop)


def test_names_are_classes_and_functions():
    for name, module in hotloop._NAMES.items():
        assert callable(getattr(hotloop, name)), name
        assert getattr(hotloop, name) is getattr(importlib.import_module(f"hotloop.{module}"), name)


def test_programs_that_say_tf_keras():
    assert hotloop.keras is hotloop
    assert "keras" not in hotloop.__all__


def test_version():
    assert hotloop.version() == hotloop.__version__


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'Conv3D'"):
        hotloop.Conv3D  # noqa: B018


def test_type_checkers_see_the_same_names(repo):
    """The imports under TYPE_CHECKING and the table of lazy names say the same."""
    tree = ast.parse((repo / "src/hotloop/__init__.py").read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen_names, seen_modules = {}, set()
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.name == alias.asname, "`as` makes it a public name for type checkers"
            if node.module == "hotloop":
                seen_modules.add(alias.name)
            else:
                seen_names[alias.name] = node.module.removeprefix("hotloop.")
    assert seen_names == hotloop._NAMES
    assert seen_modules == hotloop._MODULES


@pytest.mark.parametrize("module", sorted(hotloop._MODULES))
def test_submodules_list_what_they_offer(module):
    loaded = importlib.import_module(f"hotloop.{module}")
    public = getattr(loaded, "__all__", None)
    if public is None:
        pytest.fail(f"hotloop.{module} has no __all__")
    for name in public:
        assert getattr(loaded, name) is not None, name
    assert set(public) <= set(dir(loaded))
