#!/bin/bash
# healthy PORT [PATH]: whether the process of this container answers 200. Bash alone, so that a check is cheap.
set -eu
exec 3<>"/dev/tcp/127.0.0.1/$1"
printf 'GET %s HTTP/1.0\r\nHost: localhost\r\n\r\n' "${2:-/healthz}" >&3
read -r -t 4 answer <&3
[[ $answer == *' 200 '* ]]
