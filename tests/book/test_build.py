"""The builder of the book: nothing stale is shown, nothing fails in silence, nothing is lost."""

import os
import re
from types import SimpleNamespace

import build
import pytest


def shown(book):
    """The number that the chapter's page shows."""
    page = (book / "_build/html/book/01-one.html").read_text("utf-8")
    return int(re.search(r"The answer is\s*<[^>]*>(\d+)<", page)[1])


def executed(output):
    """The number of chapters that the builder says it executed."""
    return int(re.search(r"chapters executed: (\d+) of 1 in _toc.yml", output)[1])


def built(run, book, **environment):
    """Build the book with success; return how many chapters ran, what is shown, what was said."""
    status, output = run(book, **environment)
    assert status == 0, output
    return executed(output), shown(book), output


def test_what_changed_or_was_edited_is_made_again_and_nothing_else(book, run):
    assert built(run, book)[:2] == (1, 41)
    page = book / "_build/html/book/01-one.html"
    before = page.stat().st_mtime_ns
    assert built(run, book)[:2] == (0, 41)
    assert page.stat().st_mtime_ns == before  # nothing was rendered again

    (book / "sslboost" / "answer.py").write_text("ANSWER = 42\n")
    assert built(run, book)[:2] == (1, 42)

    (stored,) = (book / ".cache/book/executed").glob("*.ipynb")
    stored.write_text(stored.read_text("utf-8").replace("42", "43"), "utf-8")
    page.write_text("", "utf-8")
    (book / "_build/certificates.json").write_text("[", "utf-8")
    ran, number, output = built(run, book)
    assert (ran, number) == (1, 42), output
    assert "01-one: what is stored is not as it was written, and is executed again" in output
    assert (book / "_build/certificates.json").read_text("utf-8") == "[]"


def test_a_failing_chapter_fails_the_build_every_time(book, run):
    chapter = book / "book" / "01-one.md"
    chapter.write_text(chapter.read_text().replace("glue(", "assert ANSWER == 42\nglue("))
    for _ in range(2):
        status, output = run(book)
        assert status != 0
        assert "AssertionError" in output and "a chapter failed, see above: book/01-one" in output
        assert not (book / "_build" / "html").exists()


def test_a_warning_fails_the_build_and_the_last_good_page_stays(book, run):
    html = book / "_build" / "html"
    html.mkdir(parents=True)
    (html / "index.html").write_text("good")
    (book / "book" / "index.md").write_text("# Front\n\nSee {ref}`nowhere`.\n")
    status, output = run(book)
    assert status != 0
    assert "nowhere" in output and "the HTML was not built" in output
    assert (html / "index.html").read_text() == "good"
    assert not (book / ".cache/book/html.key").exists()


def test_a_failing_claim_fails_the_build_every_time(book, run):
    for _ in range(2):
        status, output = run(book, CLAIM_FAILS="1")
        assert status != 0
        assert "a claim failed" in output and not (book / "_build" / "html").exists()


def test_missing_data_fails_in_continuous_integration(book, run):
    status, output = run(book, NO_DATA="1", CI="true")
    assert status != 0
    assert "CIFAR-10 is missing" in output


def test_a_book_in_an_odd_place_without_a_home_on_two_disks_is_built(tmp_path, make, run):
    book = make(tmp_path / "a [book]::100%#1")
    elsewhere = "/dev/shm" if os.access("/dev/shm", os.W_OK) else tmp_path
    with build.tempfile.TemporaryDirectory(dir=elsewhere) as disk:
        (book / "_build").symlink_to(disk, target_is_directory=True)
        chapter = book / "book" / "01-one.md"
        checks = """import os
assert [os.environ[f"{name}_NUM_THREADS"] for name in ("OMP", "MKL")] == ["1", "1"]
assert ".cache" in os.path.expanduser("~") and ".cache" in get_ipython().ipython_dir
glue("""
        text = chapter.read_text().replace("glue(", checks).replace("\n", "\r\n")
        chapter.write_bytes(b"\xef\xbb\xbf" + text.encode())
        for expected in (1, 0):
            assert built(run, book, HOME=None, NOBODY="1")[:2] == (expected, 41)
        assert sorted(os.listdir(disk)) == ["certificates.json", "html"]


def test_two_builds_at_once_share_the_work(book, begin):
    processes = [begin(book) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    assert sorted(map(executed, outputs)) == [0, 1]
    assert sum("another build of this book is at work" in output for output in outputs) == 1
    assert shown(book) == 41


@pytest.mark.parametrize(
    ("path", "is_folder", "says"),
    [
        ("_build", False, "_build must be a folder that can be written to: File exists"),
        (".cache", False, ".cache/book must be a folder that can be written to: Not a directory"),
        ("_build/html", False, "_build/html must be a folder that can be replaced"),
        ("_build/certificates.json", True, "certificates.json must be a file, and is a folder"),
    ],
)
def test_what_stands_in_the_way_is_found_before_any_work(book, path, is_folder, says):
    (book / path).parent.mkdir(exist_ok=True)
    (book / path).mkdir() if is_folder else (book / path).write_text("")
    with pytest.raises(build.BuildError, match=re.escape(says)):
        build.make_room(build.Layout(book))


def test_a_folder_that_nbmake_passes_over_is_found_before_any_work(tmp_path):
    with pytest.raises(build.BuildError, match="nbmake passes over folders named _build"):
        build.make_room(build.Layout(tmp_path / "_build" / "book"))


def test_a_read_only_disk_is_found_before_any_work(book, run):
    (book / "_build").symlink_to("/proc/self")
    status, output = run(book)
    assert status == 1
    assert re.fullmatch(r"error: /\S+ must be a folder that can be written to: [^\n]+\n", output)


def all_keys(book, *facts):
    return build.keys(build.Layout(book), build.chapters(book), *facts)["book/01-one"]


@pytest.mark.parametrize(
    "name",
    [
        "book/01-one.md",
        "book/build.py",
        "sslboost/answer.py",
        "sslboost/images/data.py",
        "sslboost/new.py",
        "constraints.txt",
        "sslboost/pages/recorded/table.json",
        "sslboost/pages/recorded/new.json",
    ],
)
def test_the_key_depends_on_everything_a_chapter_reads(book, name):
    before = all_keys(book)
    with open(book / name, "a") as file:
        file.write("\n# changed\n")
    assert all_keys(book) != before


def test_the_key_depends_on_the_facts_but_not_on_litter_or_other_pages(book):
    before = all_keys(book, "data=True")
    assert all_keys(book, "data=False") != before
    (book / "sslboost" / "__pycache__").mkdir()
    (book / "sslboost" / "__pycache__" / "answer.pyc").write_bytes(b"x")
    (book / "sslboost" / ".answer.py.swp").write_bytes(b"x")
    (book / "book" / "index.md").write_text("# Other\n")
    assert all_keys(book, "data=True") == before


def execute(book, monkeypatch, meanwhile):
    """Execute the chapter without a kernel, while `meanwhile()` happens; return the store."""

    def ran(sources, folder, jobs, keep):
        meanwhile()
        keep("book/01-one", build.nbformat.v4.new_notebook())
        return []

    monkeypatch.setattr(build, "executed", ran)
    layout, sources = build.Layout(book), build.chapters(book)
    store, by_key = build.Store(layout.store), build.keys(layout, sources)
    build.execute(layout, store, sources, by_key)
    return store, by_key["book/01-one"]


def test_what_ran_to_its_end_is_stored(book, monkeypatch):
    store, key = execute(book, monkeypatch, lambda: None)
    assert store.has(key)


@pytest.mark.parametrize("name", ["book/01-one.md", "sslboost/answer.py"])
def test_what_changed_while_it_ran_is_not_stored(book, monkeypatch, name):
    with pytest.raises(build.BuildError, match="changed while it ran"):
        execute(book, monkeypatch, lambda: (book / name).write_text("---\nkernelspec: 1\n---\n"))
    assert not list((book / ".cache/book/executed").iterdir())


def test_the_longest_chapters_are_started_first(book, monkeypatch):
    started = []

    def ran(sources, folder, jobs, keep):
        started.extend(sources)
        return ["c"]

    monkeypatch.setattr(build, "executed", ran)
    with pytest.raises(build.BuildError, match="a chapter failed, see above: c"):
        build.execute(build.Layout(book), SimpleNamespace(), dict.fromkeys("abc", ""), {})
    assert started == ["c", "b", "a"]


def test_a_page_of_the_name_of_a_chapter_is_not_left_out(book):
    layout = build.Layout(book)
    build.make_room(layout)
    layout.certificates.write_text("[]")
    (book / "book" / "appendix").mkdir()
    (book / "book" / "appendix" / "01-one.md").write_text("# Another\n")
    build.stage(layout, ["book/01-one"])
    staged = {path.relative_to(layout.stage).as_posix() for path in build.tree(layout.stage)}
    assert "book/appendix/01-one.md" in staged
    assert not staged & {"book/01-one.md", *build.MACHINERY}
