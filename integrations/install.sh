#!/bin/sh
# Puts what the example bots and their tests need into target/integrations. Needs Python 3.9 with venv, Node 20 and npm.
set -eu
cd "$(dirname "$0")/.."
into=target/integrations
mkdir -p "$into/javascript"
[ -x "$into/python/bin/pip" ] || python3 -m venv "$into/python"
"$into/python/bin/pip" install --quiet --disable-pip-version-check \
    -r integrations/python/requirements.txt \
    -r integrations/rasa/requirements.txt \
    -r tests/integrations/rasa_stand_in/requirements.txt
cp integrations/javascript/package.json integrations/javascript/package-lock.json "$into/javascript/"
npm ci --prefix "$into/javascript" --silent --no-audit --no-fund --ignore-scripts
touch "$into/installed"
