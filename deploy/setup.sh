#!/usr/bin/env bash
# Make .venv: the locked dependencies, then the project itself, editable.
# Safe to repeat and to interrupt: a stamp, written last, records that the environment is complete and for which lock.
# PYTHON names the interpreter (default: python3.11, else a python3 that is 3.11 or newer).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv="$root/.venv"
stamp="$venv/setup.stamp"

main() {
    cd "$root"
    # Two runs at once would interfere; the lock is on this file, so no lock file is left behind.
    exec 9<"${BASH_SOURCE[0]}"
    flock 9
    if [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ]; then
        return
    fi
    if [ -e "$stamp" ]; then
        update
    else
        build
    fi
}

build() {
    local python
    python=$(interpreter)
    trap 'rm -rf "$venv"' EXIT
    trap 'exit 130' INT TERM HUP
    rm -rf "$venv"
    say "making .venv with $("$python" -V)"
    make_venv "$python"
    install
    fingerprint >"$stamp"
    trap - EXIT
    say "ready"
}

update() {
    # Without the stamp an interrupted update counts as incomplete and is built again.
    local previous
    previous=$(cat "$stamp")
    rm "$stamp"
    say "requirements changed"
    if ! (install); then
        echo "$previous" >"$stamp"
        fail "the update failed; .venv is as it was"
    fi
    fingerprint >"$stamp"
    say "ready"
}

# Joined by &&: inside a condition bash continues after a failed line.
install() {
    say "installing the locked dependencies" &&
        pip_install -r requirements.lock --require-hashes --no-deps &&
        say "installing the project" &&
        pip_install -e . --no-deps --no-build-isolation
}

make_venv() {
    local python=$1
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        install_package "$(venv_package "$python")"
    fi
    quietly "$python" -m venv "$venv"
}

interpreter() {
    local candidate
    for candidate in ${PYTHON:-python3.11 python3}; do
        # A name on PATH may be an empty shim, so run it.
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found as ${PYTHON:-python3.11 or python3}: install the package python3"
}

# Debian keeps ensurepip in a package of its own, one for each version of Python.
venv_package() {
    local version='import sys; print("%d.%d" % sys.version_info[:2])' ours default
    ours=$("$1" -c "$version")
    default=$(/usr/bin/python3 -c "$version" 2>/dev/null || true)
    if [ "$ours" = "$default" ]; then
        echo python3-venv
    else
        echo "python$ours-venv"
    fi
}

install_package() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "Python's venv module is incomplete: install the package $1, then run make setup again"
    fi
    say "installing the package $1"
    quietly apt-get -q update
    quietly env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "$1"
}

pip_install() {
    quietly "$venv/bin/python" -m pip install --no-input --disable-pip-version-check --progress-bar off "$@"
}

fingerprint() {
    sha256sum requirements.lock pyproject.toml deploy/setup.sh | sha256sum | cut -d' ' -f1
}

# Run a command; print its output only if it fails.
quietly() {
    local said
    if ! said=$("$@" 2>&1 </dev/null); then
        printf '%s\n' "$said" >&2
        fail "this failed: $*"
    fi
}

say() { echo "setup: $*"; }

fail() {
    echo "setup: $*" >&2
    exit 1
}

main
