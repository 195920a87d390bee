#!/usr/bin/env bash
# Starts the cluster and waits until all of it is healthy; the files that a person needs are in deploy/secrets.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

docker compose version >/dev/null 2>&1 || { echo "Docker with Compose is needed: docs.docker.com/compose" >&2; exit 1; }
[ -f .env ] || { cp .env.example .env; echo "wrote .env: ports, shares and the rest of what can be set"; }

# An image that cannot be had must not keep all the rest from starting.
profiles=${COMPOSE_PROFILES-$(sed -n 's/^COMPOSE_PROFILES=//p' .env)}
if [[ ,$profiles, == *,grafana,* ]]; then
  image=$(COMPOSE_PROFILES=$profiles docker compose config --images | grep -m1 grafana)
  if ! docker image inspect "$image" >/dev/null 2>&1 && ! docker pull --quiet "$image"; then
    echo "$image is not to be had: starting without Grafana" >&2
    profiles=$(tr , '\n' <<<"$profiles" | grep -vx grafana | paste -sd, || true)
  fi
fi
export COMPOSE_PROFILES=$profiles

docker compose up --build --detach --wait "$@"

(umask 077 && mkdir -p deploy/secrets)
for name in admin_token grafana_password; do
  docker compose cp --quiet "secrets:/run/podium/keys/all/$name" "deploy/secrets/$name"
  chmod 600 "deploy/secrets/$name"
done
echo "console and REST  http://$(docker compose port orchestrator 8000)   token: deploy/secrets/admin_token"
echo "Prometheus        http://$(docker compose port prometheus 9090)"
[[ ,$profiles, != *,grafana,* ]] || echo "Grafana           http://$(docker compose port grafana 3000)   admin, password: deploy/secrets/grafana_password"
