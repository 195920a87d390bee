#!/usr/bin/env bash
# Sees that the system has the programs which the task families need: Git and Python 3 for software
# engineering, Chromium for slides. As root on Debian or a kin of it they are installed, once; elsewhere it
# says what is missing, and `podium run` leaves those families out.
set -euo pipefail

declare -A place=([git]=/usr/bin/git [python3]=/usr/bin/python3 [chromium]=/usr/bin/chromium)
missing=()
for package in git python3 chromium; do
  [ -x "${place[$package]}" ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "the system lacks ${missing[*]}: the families that need them are left out (sudo apt-get install ${missing[*]})"
  exit 0
fi
echo "installing ${missing[*]} with apt-get (once, about a minute)"
export DEBIAN_FRONTEND=noninteractive
[[ " ${missing[*]} " != *" chromium "* ]] || missing+=(fonts-liberation)
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >/dev/null; then
  echo "apt-get could not install ${missing[*]}: the families that need them are left out"
fi
