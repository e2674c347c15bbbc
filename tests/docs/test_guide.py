"""The guide: each of its blocks does what it says, and both languages say the same."""

import re
from pathlib import Path

import pytest
from tests.docs.guide import Block, read_blocks, reader

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
README = ROOT / "README.md"
PURCHASE = "create-a-subscription"
NAMES = (PURCHASE, "publish-an-offer", "explain-an-invoice")
TONGUES = ("en", "fr")

_LINK = re.compile(r"\]\((?!https?://)([^)#]+)[^)]*\)")
_HEADING = re.compile(r"^(#+) ", re.MULTILINE)


def document(name: str, tongue: str) -> Path:
    return GUIDE / f"{name}.{tongue}.md"


def follow(path: Path, blocks: list[Block], folder: Path) -> None:
    with reader(folder, path.name) as one:
        for block in blocks:
            one.follow(block)


@pytest.mark.parametrize(
    ("name", "languages"),
    [
        (PURCHASE, {"sh", "python", "http"}),
        ("publish-an-offer", {"sh", "python", "yaml"}),
        ("explain-an-invoice", {"sh", "python"}),
    ],
)
def test_the_blocks_run_in_order(tmp_path: Path, name: str, languages: set[str]) -> None:
    blocks = read_blocks(document(name, "en"))
    assert {block.language for block in blocks} == languages
    follow(document(name, "en"), blocks, tmp_path)


def test_the_purchase_of_the_readme(tmp_path: Path) -> None:
    blocks = read_blocks(README, "A first purchase")
    assert [block.language for block in blocks] == ["sh", "python"]
    follow(README, blocks, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_blocks(name: str) -> None:
    english, french = (
        [(block.language, block.code, block.output) for block in read_blocks(document(name, tongue))]
        for tongue in TONGUES
    )
    assert english == french


@pytest.mark.parametrize("name", NAMES)
def test_both_languages_have_the_same_sections(name: str) -> None:
    english, french = (
        _HEADING.findall(document(name, tongue).read_text(encoding="utf-8")) for tongue in TONGUES
    )
    assert english == french


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tongue", TONGUES)
def test_links_lead_somewhere(name: str, tongue: str) -> None:
    links = _LINK.findall(document(name, tongue).read_text(encoding="utf-8"))
    assert links
    for link in links:
        assert (GUIDE / link).is_file(), link
