#!/usr/bin/env bash
# Try what can go wrong on a new machine, in checkouts and environments below a temporary folder:
# `tests/fresh/run.sh` in about four minutes what needs no PyTorch, `tests/fresh/run.sh all` the rest.
set -euo pipefail
TOP=$(cd "$(dirname "$0")/../.." && pwd)
PYTHON=$(command -v "${PYTHON:-python3}")
export PYTHON
FOLDER=$(mktemp -d)
# In a make that runs this, its own settings are not those of the makes that are tried.
export PIP_NO_COMPILE=1 # twice as fast
unset MAKEFLAGS MFLAGS MAKELEVEL PYTHONPATH
trap 'chmod -R u+w "$FOLDER"; rm -rf "$FOLDER"' EXIT
passed=0

# No git: neither a .git in the checkouts nor a program of this name that works.
files() { git -C "$TOP" ls-files -z --cached --others --exclude-standard; }
files >"$FOLDER/files"
mkdir "$FOLDER/bin"
printf '#!/bin/sh\necho "git was called" >&2\nexit 1\n' >"$FOLDER/bin/git"
chmod +x "$FOLDER/bin/git"
export PATH="$FOLDER/bin:$PATH"

checkout() { # a copy of the sources in the folder $1, without git
  mkdir -p "$1"
  tar -C "$TOP" --null -T "$FOLDER/files" --ignore-failed-read -c 2>/dev/null | tar -C "$1" -x
}

trial() { # what follows is tried
  SECONDS=0
  title=$1
  echo "-- $title"
}

well() {
  passed=$((passed + 1))
  echo "   passed after $SECONDS s"
}

fail() {
  echo "FAILED: $title: $1"
  [ ! -f "$FOLDER/said" ] || tail -n 40 "$FOLDER/said"
  exit 1
}

succeeds() { "$@" >"$FOLDER/said" 2>&1 || fail "$*"; }
refuses() { ! "$@" >"$FOLDER/said" 2>&1 || fail "$* should fail"; }
says() { grep -qF -- "$1" "$FOLDER/said" || fail "it does not say: $1"; }
silent() { ! grep -qE 'WARNING|Warning:|Traceback' "$FOLDER/said" || fail "it warns"; }

ODD="$FOLDER/a b ü \"q\" 'p' \$x"

refused_python() {
  trial "A Python that is too old or too new is refused at once"
  checkout "$FOLDER/python"
  cd "$FOLDER/python"
  for version in 3,10 3,15; do
    cat >"$FOLDER/bin/another-python" <<END
#!/bin/sh
exec "$PYTHON" -c '
import runpy, sys
sys.version_info = ($version, 0, "final", 0)
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")' "\$@"
END
    chmod +x "$FOLDER/bin/another-python"
    refuses make PYTHON=another-python book
    says "Python 3.11 to 3.14 is needed"
    [ ! -e .venv ] || fail "a .venv was made"
  done
  [ "$SECONDS" -lt 5 ] || fail "not at once"
  well
}

data_folder() {
  trial "HWLIB_DATA with blanks, quotes and \$ arrives unchanged, a relative one as absolute"
  cd "$FOLDER/python"
  printf 'show:\n\t@printenv HWLIB_DATA\n' >"$FOLDER/show.mk"
  local odd="a  b \$x \$(y) \"q\" 'p' # ü%"
  for given in "/$odd" "~/$odd" "$odd"; do
    want=$given
    [ "$given" != "$odd" ] || want="$PWD/$odd"
    HWLIB_DATA=$given succeeds make --no-print-directory -f Makefile -f "$FOLDER/show.mk" show
    [ "$(cat "$FOLDER/said")" = "$want" ] || fail "not $want"
  done
  well
}

without_venv() {
  trial "Without python3-venv: one cure is named, and works"
  cd "$FOLDER/python"
  mkdir "$FOLDER/debian"
  cat >"$FOLDER/debian/venv.py" <<'END'
import pathlib, sys
pathlib.Path(sys.argv[-1], "bin").mkdir(parents=True)
sys.exit("ensurepip is not available")
END
  refuses env PYTHONPATH="$FOLDER/debian" make env-book
  says "apt-get install python3-venv"
  [ ! -e .venv ] || fail "a half-made .venv is left"
  # As an older version of the Makefile, or another program, left it.
  succeeds "$PYTHON" -m venv --without-pip .venv
  succeeds make env-book
  says ".venv has no pip: it is made anew."
  well
}

two_builds() {
  trial "Two builds at once, from nothing, in $ODD"
  checkout "$ODD/one"
  cd "$ODD/one"
  make -j4 book >"$FOLDER/other" 2>&1 &
  other=$!
  succeeds make -j4 book
  wait "$other" || fail "the other build failed: $(tail -n 20 "$FOLDER/other")"
  says "Built in"
  [ -f _build/html/index.html ] || fail "no website"
  well
}

copied() {
  trial "A copied checkout makes its own .venv"
  cp -a "$ODD/one" "$ODD/two"
  cd "$ODD/two"
  succeeds make book
  says ".venv belongs to another folder: it is made anew."
  grep -qF "$ODD/one" .venv/pyvenv.cfg && fail ".venv still names the other folder"
  well
}

moved() {
  trial "A moved checkout makes its .venv anew, once"
  mv "$ODD/one" "$FOLDER/three"
  cd "$FOLDER/three"
  succeeds make env-book
  says ".venv belongs to another folder: it is made anew."
  succeeds make env-book
  [ "$(wc -l <"$FOLDER/said")" = 0 ] || fail "again"
  well
}

another_user() {
  trial "As a user who is not root"
  if [ "$(id -u)" != 0 ]; then
    echo "   as all that was tried here"
    return
  fi
  checkout "$FOLDER/user/homework"
  mkdir "$FOLDER/user/home"
  chmod a+rx "$FOLDER" "$FOLDER/bin"
  chown -R nobody "$FOLDER/user"
  cd "$FOLDER/user/homework"
  local python=$PYTHON
  case $PYTHON in /root/*) python=/usr/bin/python3 ;; esac # nobody may look below /root
  succeeds setpriv --reuid=nobody --clear-groups env HOME="$FOLDER/user/home" \
    make PYTHON="$python" book
  says "Built in"
  well
}

everything() {
  trial "make -j4 test, from nothing"
  checkout "$ODD/test"
  cd "$ODD/test"
  succeeds make -j4 test
  tail -n 5 "$FOLDER/said"
  well
  trial "make -j2 book lint, from nothing"
  rm -rf .venv _build
  succeeds make -j2 book lint
  says "Built in"
  well
}

a_copy_tests_itself() {
  trial "A copied checkout tests its own package"
  cp -a "$ODD/test" "$ODD/copy"
  cd "$ODD/copy"
  echo 'raise RuntimeError("the copy")' >>hwlib/losses.py
  refuses make PYTHON="$PYTHON" nbval
  says "the copy"
  # Even where the environment is that of the first.
  refuses "$ODD/test/.venv/bin/python" -m pytest --nbval book/01_logistic_loss.ipynb
  says "the copy"
  well
}

plain_pip() {
  trial "pip install -r requirements.txt, then what people of this ecosystem type"
  checkout "$FOLDER/plain"
  cd "$FOLDER/plain"
  succeeds "$PYTHON" -m venv "$FOLDER/environment"
  export PATH="$FOLDER/environment/bin:$PATH"
  succeeds python -m pip install --quiet -r requirements.txt
  succeeds jupyter-book build .
  says "build succeeded."
  silent
  (cd book && succeeds python -c "import hwlib.train")
  succeeds pytest -q tests/book tests/test_losses.py
  HWLIB_STAND_IN=1 succeeds pytest -q --nbval book/01_logistic_loss.ipynb book/04_fashion_mnist.ipynb
  jupyter lab --allow-root --no-browser --port 8923 --IdentityProvider.token=t >"$FOLDER/lab" 2>&1 &
  lab=$!
  for _ in $(seq 60); do
    sleep 1
    ! curl -sf "http://127.0.0.1:8923/api/status?token=t" >"$FOLDER/said" || break
  done
  for chapter in book/0*.md book/0*.ipynb; do
    succeeds curl -sSf -o "$FOLDER/notebook" \
      "http://127.0.0.1:8923/api/contents/$chapter?type=notebook&token=t"
  done
  kill "$lab"
  wait "$lab" || true
  well
}

refused_python
data_folder
without_venv
two_builds
copied
moved
another_user
if [ "${1:-}" = all ]; then
  everything
  a_copy_tests_itself
  plain_pip
fi
echo "$passed passed, 0 failed"
