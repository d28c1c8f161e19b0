"""Without a browser no page is loaded: a reader's run says so, and continuous integration fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = f"""
import sys
sys.path[:0] = [{str(Path(__file__).parent)!r}, {str(Path(__file__).parents[2])!r}]
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("site_conftest", {str(Path(__file__).with_name("conftest.py"))!r})
loaded = module_from_spec(spec)
spec.loader.exec_module(loaded)
browser = loaded.browser
"""


@pytest.mark.parametrize(
    ("ci", "code", "said"),
    [("true", 1, "Since CI is set, that is a failure."), ("", 0, "no page was loaded")],
)
def test_a_missing_browser_is_named(tmp_path: Path, ci: str, code: int, said: str) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    (tmp_path / "test_page.py").write_text("def test_page(browser): pass\n", encoding="utf-8")
    # Nothing is installed in an empty folder, and Playwright has brought nothing there either.
    nowhere = {"PATH": str(tmp_path), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path), "CI": ci}
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "HWLIB"))}
    nowhere["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # plugins take longer to load than all else
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider", str(tmp_path)],
        env=environment | nowhere,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    assert said in done.stdout
