"""Settings of a small Druid on loopback, one text per file."""

from __future__ import annotations

import json
from collections.abc import Mapping

# Java 17 otherwise denies this access
_OPEN = [
    "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
    "--add-exports=java.base/jdk.internal.ref=ALL-UNNAMED",
    *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.nio", "sun.nio.ch", "jdk.internal.ref")),
    *(f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in ("java.io", "java.lang")),
    "--add-opens=jdk.management/com.sun.management.internal=ALL-UNNAMED",
]
JAVA_FLAGS = [
    *_OPEN,
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:TieredStopAtLevel=1",
    "-Duser.timezone=UTC",
    "-Dfile.encoding=UTF-8",
    "-Djava.io.tmpdir=var/tmp",
    "-Djava.util.logging.manager=org.apache.logging.log4j.jul.LogManager",
]
# of the process that a middle manager starts for each task
_PEON_FLAGS = [*_OPEN, "-Xmx384m", "-XX:MaxDirectMemorySize=300m", "-XX:TieredStopAtLevel=1", "-Duser.timezone=UTC"]

COMMON = """\
druid.extensions.loadList=[]
druid.host=localhost
druid.bindOnHost=true
druid.startup.logging.logProperties=false
druid.zk.service.host=localhost:{zookeeper}
druid.metadata.storage.type=derby
druid.metadata.storage.connector.connectURI=jdbc:derby://localhost:{derby}/var/druid/metadata.db;create=true
druid.metadata.storage.connector.host=localhost
druid.metadata.storage.connector.port={derby}
druid.storage.type=local
druid.storage.storageDirectory=var/druid/segments
druid.indexer.logs.type=file
druid.indexer.logs.directory=var/druid/indexing-logs
druid.selectors.indexing.serviceName=druid/overlord
druid.selectors.coordinator.serviceName=druid/coordinator
druid.monitoring.monitors=[]
druid.emitter=noop
druid.lookup.enableLookupSyncOnStartup=false
"""

LOGGING = """\
<?xml version="1.0" encoding="UTF-8"?>
<Configuration status="WARN">
  <Appenders>
    <Console name="Console" target="SYSTEM_OUT"><PatternSchema pattern="%d{ISO8601} %p [%t] %c - %m%n"/></Console>
  </Appenders>
  <Loggers><Root level="info"><AppenderRef ref="Console"/></Root></Loggers>
</Configuration>
"""

ZOOKEEPER = """\
tickTime=2000
dataDir=var/zookeeper
clientPort={zookeeper}
clientPortAddress=127.0.0.1
admin.enableServer=false
"""

SERVICES = {
    "coordinator": """\
druid.service=druid/coordinator
druid.plaintextPort={coordinator}
druid.coordinator.asOverlord.enabled=true
druid.coordinator.asOverlord.overlordService=druid/overlord
druid.coordinator.startDelay=PT3S
druid.coordinator.period=PT0.25S
druid.manager.segments.pollDuration=PT0.25S
druid.indexer.queue.startDelay=PT1S
druid.indexer.storage.type=metadata
druid.indexer.runner.type=httpRemote
""",
    "broker": """\
druid.service=druid/broker
druid.plaintextPort={broker}
druid.server.http.numThreads=20
druid.broker.http.numConnections=10
druid.processing.buffer.sizeBytes=50MiB
druid.processing.numMergeBuffers=2
druid.processing.numThreads=1
druid.sql.planner.metadataSegmentPollPeriod=1000
druid.sql.planner.metadataRefreshPeriod=PT1S
""",
    "historical": """\
druid.service=druid/historical
druid.plaintextPort={historical}
druid.server.http.numThreads=20
druid.processing.buffer.sizeBytes=50MiB
druid.processing.numMergeBuffers=2
druid.processing.numThreads=2
druid.segmentCache.locations=[{{"path":"var/druid/segment-cache","maxSize":"20g"}}]
""",
    "indexer": """\
druid.service=druid/indexer
druid.plaintextPort={indexer}
druid.worker.capacity=4
druid.processing.numThreads=1
druid.processing.numMergeBuffers=2
druid.processing.buffer.sizeBytes=25MiB
druid.indexer.task.baseTaskDir=var/druid/task
""",
    "middleManager": """\
druid.service=druid/middleManager
druid.plaintextPort={middleManager}
druid.worker.capacity=2
druid.indexer.runner.javaOptsArray={peon_flags}
druid.indexer.fork.property.druid.processing.numThreads=1
druid.indexer.fork.property.druid.processing.numMergeBuffers=2
druid.indexer.fork.property.druid.processing.buffer.sizeBytes=25MiB
druid.indexer.task.baseTaskDir=var/druid/task
""",
    "router": """\
druid.service=druid/router
druid.plaintextPort={router}
druid.router.managementProxy.enabled=true
druid.router.http.numConnections=20
druid.router.defaultBrokerServiceName=druid/broker
druid.router.coordinatorServiceName=druid/coordinator
""",
}


def files(ports: Mapping[str, int], more: Mapping[str, str]) -> dict[str, str]:
    """Return the text of each file below `conf`, with the ports in place; `more` are properties of every service."""
    values = {**ports, "peon_flags": json.dumps(_PEON_FLAGS)}
    common = COMMON.format(**values) + "".join(f"{name}={value}\n" for name, value in more.items())
    services = {name: text for name, text in SERVICES.items() if name in ports}
    return {
        "common/common.runtime.properties": common,
        "common/log4j2.xml": LOGGING,
        "zookeeper/zoo.cfg": ZOOKEEPER.format(**values),
        **{f"{name}/runtime.properties": text.format(**values) for name, text in services.items()},
    }
