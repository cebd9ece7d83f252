#!/bin/sh
# Creates the databases of Airflow, of the store and of Druid, each with a user of its own, and a reader of the store for
# Grafana. PostgreSQL's image runs it once, when the volume is empty.
set -eu

create() {
    psql --username "$POSTGRES_USER" --dbname postgres --quiet --set ON_ERROR_STOP=1 --set name="$1" --set password="$2" <<'SQL'
CREATE USER :"name" PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name";
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
}

create airflow "$AIRFLOW_DB_PASSWORD"
create mlmon "$STORE_PASSWORD"
create druid "$DRUID_DB_PASSWORD"

psql --username "$POSTGRES_USER" --dbname mlmon --quiet --set ON_ERROR_STOP=1 --set password="$STORE_READER_PASSWORD" <<'SQL'
CREATE USER grafana PASSWORD :'password';
GRANT CONNECT ON DATABASE mlmon TO grafana;
ALTER DEFAULT PRIVILEGES FOR ROLE mlmon GRANT SELECT ON TABLES TO grafana;
SQL
