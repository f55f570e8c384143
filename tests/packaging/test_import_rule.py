"""Imports point down only, in Python and in C; ARCHITECTURE.md draws the picture."""

import ast
import re

import pytest

# A package may import from its own level and from those before it.
LEVELS = [
    {"_native", "_version"},
    {"graph"},
    {"ops"},
    {"common", "random", "tree"},
    {"dtype_policies"},
    {"config"},
    {"saving"},
    {"activations", "initializers", "regularizers", "constraints"},
    {"layers", "losses", "metrics", "optimizers"},
    {"utils", "storage"},
    {"backend", "mixed_precision"},
    {"training", "callbacks"},
    {"models"},
    {"datasets"},
    {"plot", "cli", "__main__", "_at_import"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
C_LEVEL = {"core": 0, "kernels": 1, "gemm": 2, "tile": 2, "plan": 3, "include": 3}


def is_type_checking(node):
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def imports(tree, package):
    """Absolute names of what a module imports at run time, inside functions too."""
    pending = [tree]
    while pending:
        node = pending.pop()
        if is_type_checking(node):
            pending += node.orelse
            continue
        pending += ast.iter_child_nodes(node)
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join(parents + ([node.module] if node.module else []))
            # `from hotloop import ops` names a module; elsewhere the module is what follows `from`.
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Later":
            yield ast.literal_eval(node.args[0])


def python_edges(repo):
    """(file, importing top-level piece, imported top-level piece) of the package."""
    root = repo / "src" / "hotloop"
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        if parts == ("__init__",):
            continue
        package = ".".join(("hotloop", *parts[:-1]))
        for name in imports(ast.parse(path.read_text(encoding="utf-8")), package):
            if name.startswith("hotloop."):
                yield path.relative_to(repo), parts[0], name.split(".")[1]


def test_python_imports_point_down(repo):
    edges = list(python_edges(repo))
    assert len(edges) > 50
    assert {source for _, source, _ in edges} <= set(LEVEL)
    upward = [
        f"{path}: {source} imports {target}"
        for path, source, target in edges
        if LEVEL.get(target, 0) > LEVEL[source]
    ]
    assert upward == []


def test_modules_loaded_later_are_seen():
    (name,) = imports(ast.parse('if X:\n    feeds = Later("hotloop.training.feeds")'), "hotloop")
    assert name == "hotloop.training.feeds"


def test_only_graph_sees_the_core(repo):
    users = {source for _, source, target in python_edges(repo) if target == "_native"}
    assert users <= {"graph", "_native"}


def test_loading_the_package_needs_numpy_alone(repo):
    """Other libraries are imported where they are used, never when a module loads."""
    allowed = {"numpy", "hotloop"}
    for path in (repo / "src" / "hotloop").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module]
            else:
                continue
            for name in names:
                top = name.split(".")[0]
                assert top in allowed or top in __import__("sys").stdlib_module_names, (path, name)


def c_sources(repo):
    for path in sorted((repo / "csrc").rglob("*.[ch]")):
        piece = path.relative_to(repo / "csrc").parts[0]
        if piece in C_LEVEL:
            yield path, piece, path.read_text(encoding="utf-8")


def test_c_includes_point_down(repo):
    csrc, seen = repo / "csrc", 0
    for path, piece, text in c_sources(repo):
        for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.MULTILINE):
            places = [
                path.parent / name,
                csrc / name,
                csrc / "include" / name,
                csrc / "kernels" / name,
            ]
            found = next((place.resolve() for place in places if place.is_file()), None)
            if found is None:
                # An ISA folder's simd.h reaches shared sources by the include path of its build.
                assert (name, piece) == ("simd.h", "kernels"), f"{path} includes an unknown {name}"
                continue
            target = found.relative_to(csrc.resolve()).parts[0]
            assert C_LEVEL[target] <= C_LEVEL[piece], f"{path} includes {name}"
            seen += 1
    assert seen > 10


@pytest.mark.parametrize(
    ("pattern", "allowed"),
    [
        (r"#\s*pragma\s+omp|<omp\.h>|\bomp_\w+\s*\(", {"core/threads.c"}),
        (r"Python\.h|numpy/", set()),
        (r"\b(printf|fprintf|puts|abort|exit|assert)\s*\(", set()),
        (r"\b(malloc|calloc|realloc|aligned_alloc|posix_memalign)\s*\(", {"core/memory.c"}),
    ],
    ids=["openmp", "python", "prints_or_aborts", "allocators"],
)
def test_what_c_leaves_to_one_file(repo, pattern, allowed):
    users = set()
    for path, _, text in c_sources(repo):
        code = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.DOTALL)
        if re.search(pattern, code):
            users.add(path.relative_to(repo / "csrc").as_posix())
    assert users <= allowed


def test_isa_flags_are_written_in_cmake_alone(repo):
    for path in [repo / "CMakeLists.txt", *(repo / "src").rglob("CMakeLists.txt")]:
        assert not re.search(r"-m(avx|fma|arch|cpu)", path.read_text(encoding="utf-8")), path
