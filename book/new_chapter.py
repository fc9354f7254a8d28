"""Start a chapter: a file with every part that a chapter has, named in the table of contents.

    python book/new_chapter.py what-labels-cost       writes book/09-what-labels-cost.md

The number is the next one. What is written runs and builds as it is; CONTRIBUTING.md says what
each part is for.
"""

import re
import sys
from pathlib import Path

from sslboost.core import files
from sslboost.core.command import Parser

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = Path(__file__).with_name("_template") / "chapter.md"

#: The line of a chapter in the table of contents.
ENTRY = re.compile(r"^( *- file: book/)(\d\d)-([a-z0-9-]+)\n", re.M)


class ChapterError(Exception):
    """The chapter cannot be started; the message says why."""


def start(root: Path, name: str) -> Path:
    """Write the chapter of a name like `what-labels-cost` and name it in _toc.yml."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        need = "small letters and digits, words joined by -, such as what-labels-cost"
        raise ChapterError(f"NAME must be {need}, got {name!r}")
    toc = (root / "_toc.yml").read_text("utf-8")
    entries = list(ENTRY.finditer(toc))
    if not entries:
        raise ChapterError("_toc.yml names no chapter book/NN-... after which this one can stand")
    for entry in entries:
        if entry[3] == name:
            raise ChapterError(f"NAME is taken by book/{entry[2]}-{name}.md")
    number = max(int(entry[2]) for entry in entries) + 1
    if number > 99:
        raise ChapterError("there are 99 chapters, and a number has two digits")
    page = f"{number:02}-{name}"
    file = root / "book" / f"{page}.md"
    if file.exists():
        raise ChapterError(f"book/{page}.md is there, and _toc.yml does not name it")
    title = name.replace("-", " ").capitalize()
    text = TEMPLATE.read_text("utf-8").replace("TITLE", title).replace("NAME", name)
    files.write_text(file, text)
    end = entries[-1].end()
    files.write_text(root / "_toc.yml", f"{toc[:end]}{entries[-1][1]}{page}\n{toc[end:]}")
    return file


def main() -> None:
    parser = Parser(description="Start a chapter from the template.")
    parser.add_argument("name", help="words of its title, joined by -")
    try:
        print(start(ROOT, parser.parse_args().name))
    except (ChapterError, OSError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
