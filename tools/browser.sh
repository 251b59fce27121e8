#!/bin/sh
# Sees to a Chromium for the browser tests and, where it can, to a font for Chinese pictures.
set -eu

browser() {
    command -v chromium || command -v chromium-browser || command -v google-chrome \
        || command -v google-chrome-stable
}

as_root=
if [ "$(id -u)" != 0 ]; then
    as_root="sudo -n"
fi

can_install() {
    command -v apt-get >/dev/null && $as_root true 2>/dev/null
}

missing=
if ! browser >/dev/null; then
    missing=chromium
fi
if command -v fc-list >/dev/null; then
    if [ -z "$(fc-list :lang=zh family)" ]; then
        missing="$missing fonts-noto-cjk"
    fi
elif [ -n "$missing" ]; then
    missing="$missing fonts-noto-cjk"
fi

if [ -n "$missing" ] && can_install; then
    echo "Installing for the browser tests: $missing"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086  # a list of packages
    { $as_root apt-get update -qq \
        && $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null; } \
        || echo "Could not install: $missing" >&2
fi

if ! browser >/dev/null; then
    echo "No Chromium found: install it (on Debian: apt-get install chromium)." >&2
    if [ "${CI:-}" = true ]; then
        exit 1
    fi
    echo "The browser tests will be skipped." >&2
fi
