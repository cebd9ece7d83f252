# Prepares what the services of docker-compose.yaml need: the tables of Airflow, those of the store, and the bucket of the
# workspace. It may run again.
set -eu
airflow db migrate
# opening the store migrates it
mlmon status >/dev/null
python - <<'PYTHON'
from airflow.providers.amazon.aws.hooks.s3 import S3Hook

hook = S3Hook()
if not hook.check_for_bucket("mlmon"):
    hook.create_bucket("mlmon")
PYTHON
