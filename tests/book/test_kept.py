"""What is kept between builds is whole, or is not there; a page is never lost."""

import nbformat
import pytest
from kept import Store, publish, put_back


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    for key in ("a", "b"):
        store.put(key, nbformat.v4.new_notebook(metadata={"key": key}))
    return store


def test_what_was_put_is_there_under_its_own_key(store):
    assert store.has("a") and store.has("b") and not store.has("c")
    store.path("a").replace(store.path("b"))
    assert not store.has("a") and not store.has("b")


@pytest.mark.parametrize("damage", ["truncate", "edit", "empty", "remove", "folder", "unseal"])
def test_what_is_damaged_is_not_there_and_can_be_put_again(store, damage):
    path, content = store.path("a"), store.path("a").read_bytes()
    {
        "truncate": lambda: path.write_bytes(content[:-9]),
        "edit": lambda: path.write_bytes(content.replace(b"key", b"kex")),
        "empty": lambda: path.write_bytes(b""),
        "remove": path.unlink,
        "folder": lambda: (path.unlink(), path.mkdir()),
        "unseal": path.with_suffix(".seal").unlink,
    }[damage]()
    assert not store.has("a") and store.has("b")
    store.put("a", nbformat.from_dict(nbformat.reads(content.decode(), as_version=4)))
    assert store.has("a") and path.read_bytes() == content


def test_what_is_outdated_is_dropped_whatever_it_is(store):
    (store.folder / "folder.ipynb").mkdir()
    store.drop_all_but(["b"])
    assert store.has("b")
    assert sorted(f.name for f in store.folder.iterdir()) == ["b.ipynb", "b.seal"]


def test_a_file_in_the_place_of_the_store_gives_way(tmp_path):
    (tmp_path / "store").write_text("")
    assert not Store(tmp_path / "store").has("a")


@pytest.fixture
def folders(tmp_path):
    """A new folder of pages and the one whose place it is to take."""
    for name in ("new", "html"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(name)
    return tmp_path / "new", tmp_path / "html"


def test_new_pages_take_the_place_of_the_old(folders):
    new, html = folders
    publish(new, html)
    assert (html / "index.html").read_text() == "new"
    assert [f.name for f in html.parent.iterdir()] == ["html"]


def test_the_old_pages_stay_when_the_new_cannot_be_put_there(folders):
    new, html = folders
    with pytest.raises(FileNotFoundError):
        publish(new / "missing", html)
    assert (html / "index.html").read_text() == "html"


def test_a_kill_between_the_two_renames_loses_nothing(folders):
    _, html = folders
    html.rename(html.with_name(".html.old"))  # and there it ended
    put_back(html)
    assert (html / "index.html").read_text() == "html"
    put_back(html)
    assert (html / "index.html").read_text() == "html"
