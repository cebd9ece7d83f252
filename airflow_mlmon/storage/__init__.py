"""Object stores: S3, Azure, Google Cloud or a local folder, behind one small interface."""

from airflow_mlmon.storage.objects import Cache, ObjectStore, StoredObject, is_hidden, join_uri
from airflow_mlmon.storage.storage import Storage

__all__ = ["Cache", "ObjectStore", "Storage", "StoredObject", "is_hidden", "join_uri"]
