"""Apache Druid: the client of its HTTP API, ingestion specs, and the ingestion of partitions."""
