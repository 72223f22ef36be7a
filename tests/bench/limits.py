"""What the broker and the database alone can do on this machine, with the same sizes as ours."""

import time

import psycopg

from services.runtime.manifests import topology
from shared.messaging import topology_job
from shared.messaging.delivery import Message
from shared.messaging.publisher import AmqpPublisher
from tests.bench.figures import Figures
from tests.harness.postgres import PrivatePostgres
from tests.harness.rabbitmq import PrivateRabbit

BODY_BYTES = 6_000
CHUNK = 200


def limits(rabbit: PrivateRabbit, postgres: PrivatePostgres) -> Figures:
    """What the broker and the database alone can do here, with the same sizes."""
    return {
        "confirms_to_4_queues_per_second": _confirms(rabbit),
        "rows_per_second_in_4_tables_200_a_commit": _rows(postgres),
        "single_row_commits_per_second": _commits(postgres),
    }


def _confirms(rabbit: PrivateRabbit, count: int = 4000) -> int:
    url = rabbit.new_vhost()
    topology_job.apply(url, topology().queues)
    publisher = AmqpPublisher(url, "tongyuan.publications", connection_name="bench")
    body = b"x" * BODY_BYTES
    messages = [Message(body, "339921000000.guide.release", str(number), number) for number in range(CHUNK)]
    publisher.publish(messages)
    began = time.perf_counter()
    for _ in range(count // CHUNK):
        publisher.publish(messages)
    seconds = time.perf_counter() - began
    publisher.close()
    return round(count / seconds)


def _rows(postgres: PrivatePostgres, count: int = 8000) -> int:
    with psycopg.connect(postgres.dsn(postgres.create_database())) as connection:
        for table in range(4):
            connection.execute(f"CREATE TABLE t{table} (key text PRIMARY KEY, version int, content text)")
        connection.commit()
        content_ = "x" * BODY_BYTES
        began = time.perf_counter()
        for start in range(0, count // 4, CHUNK):
            for table in range(4):
                rows = [(f"{start + n}", 1, content_) for n in range(CHUNK)]
                with connection.cursor() as cursor:
                    cursor.executemany(f"INSERT INTO t{table} VALUES (%s, %s, %s)", rows)
                connection.commit()
        return round(count / (time.perf_counter() - began))


def _commits(postgres: PrivatePostgres, count: int = 1000) -> int:
    with psycopg.connect(postgres.dsn(postgres.create_database())) as connection:
        connection.execute("CREATE TABLE t (n int)")
        connection.commit()
        began = time.perf_counter()
        for number in range(count):
            connection.execute("INSERT INTO t VALUES (%s)", (number,))
            connection.commit()
        return round(count / (time.perf_counter() - began))
