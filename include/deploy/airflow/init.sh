# Prepares what the services of docker-compose.yaml need: the tables of Airflow, those of the store, and the bucket of the
# workspace. It may run again.
set -eu
airflow db migrate
mlmon store upgrade
python - <<'PYTHON'
from airflow.providers.amazon.aws.hooks.s3 import S3Hook

hook = S3Hook()
if not hook.check_for_bucket("mlmon"):
    hook.create_bucket("mlmon")
PYTHON
