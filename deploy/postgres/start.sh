#!/bin/sh
# Makes the cluster of databases at the first start, all of it or none, then becomes PostgreSQL.
set -eu
folder=/var/lib/postgresql/data
if [ ! -d "$folder/podium" ]; then
  rm -rf "$folder/part"
  initdb --pgdata="$folder/part" --username=podium --encoding=UTF8 --locale=C \
    --auth-local=scram-sha-256 --auth-host=scram-sha-256 \
    --pwfile=/run/podium/secrets/postgres_password >/dev/null
  echo 'host all all all scram-sha-256' >>"$folder/part/pg_hba.conf"
  mv "$folder/part" "$folder/podium"
fi
exec postgres -D "$folder/podium" -c listen_addresses='*' -c unix_socket_directories=/tmp
