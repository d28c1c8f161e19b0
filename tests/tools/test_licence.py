"""The notices that the licences of others ask for go along with what is shown of their works."""

from pathlib import Path

import yaml

TOP = Path(__file__).parents[2]
ZALANDO = "Copyright (c) 2017 Zalando SE"


def test_notices_stand_in_the_repository_and_on_the_website():
    notice = (TOP / "NOTICE").read_text(encoding="utf-8")
    mine = (TOP / "LICENSE").read_text(encoding="utf-8")
    permission = mine[mine.index("Permission is hereby granted") :].strip()
    assert ZALANDO in notice
    assert permission in notice[notice.index(ZALANDO) :]
    page = (TOP / "book" / "licence.md").read_text(encoding="utf-8")
    for file in ("LICENSE", "NOTICE"):
        assert f"{{literalinclude}} ../{file}\n" in page
    toc = (TOP / "_toc.yml").read_text(encoding="utf-8")
    assert "file: book/licence.md" in toc


def test_every_page_names_whose_pictures_it_may_show():
    config = yaml.safe_load((TOP / "_config.yml").read_text(encoding="utf-8"))
    assert ZALANDO in config["html"]["extra_footer"]
