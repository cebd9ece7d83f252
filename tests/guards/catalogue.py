"""Catalogue of the faults and attacks that airflow_mlmon withstands, each proved by the test that bears its key."""

from __future__ import annotations

from typing import NamedTuple


class Guard(NamedTuple):
    """What goes in, and what must come out."""

    given: str
    expected: str


FAULTS = {
    "fault-01": Guard(
        "the object store stays busy (503 SlowDown)",
        "a bounded number of tries, then a failure that is worth a retry and names the object; nothing is published",
    ),
    "fault-02": Guard(
        "a file is replaced after it was listed",
        "the copy that was listed or a conflict; never the bytes of another file",
    ),
    "fault-03": Guard(
        "the marker that ends a day is missing, or lies in a folder within the day",
        "the day is not complete, and the missing marker is named",
    ),
    "fault-04": Guard(
        "a day has no files", "status no data with the folder that was searched, one alert, and metrics without a value"
    ),
    "fault-05": Guard(
        "an id occurs twice, with other values",
        "the first sound row counts; the copy is quarantined, and it is said that it contradicts the first",
    ),
    "fault-06": Guard("a CSV file ends within a value", "the file is refused by name, and gives no row"),
    "fault-07": Guard("a CSV file has no bytes", "the file is refused by name; it is not a file of no rows"),
    "fault-08": Guard("a CSV file has a header and no row", "no problem of the file; a day of such files has no data"),
    "fault-09": Guard("a row of a CSV file lacks a field", "the file is refused by name; no row is filled up"),
    "fault-10": Guard("a CSV file is not UTF-8", "the file is refused by name, with the reason"),
    "fault-11": Guard("a CSV file contains NUL bytes", "the file is refused by name, with the reason"),
    "fault-12": Guard("a gzip file is cut off", "the file is refused by name, though its first rows can be read"),
    "fault-13": Guard(
        "the checksum of a gzip file is wrong", "the file is refused by name, though all can be unpacked"
    ),
    "fault-14": Guard("a packed file is a bomb", "it is refused once it has unpacked to far more than its size"),
    "fault-15": Guard(
        "a Parquet file is cut off",
        "its day is partial, with the file named and alerted, and the rows of the sound files",
    ),
    "fault-16": Guard(
        "a bit of a Parquet page is flipped", "the file is refused by its checksums, wherever the bit is"
    ),
    "fault-17": Guard(
        "a column has another type than the spec declares", "values that do not fit are null with a counted reason"
    ),
    "fault-18": Guard("times have no zone, and none is declared", "they are refused; no zone is assumed"),
    "fault-19": Guard("integers beyond 2^53 stand beside a null", "each keeps every digit"),
    "fault-20": Guard("ids look like numbers or words for null (007, NA)", "they stay as they are written"),
    "fault-21": Guard(
        "a day of a zone has 23 or 25 hours", "it has the rows of all its hours, and none of the days around it"
    ),
    "fault-22": Guard("numbers are infinite", "they are counted apart; a column of nothing else has no score"),
    "fault-23": Guard("a day has one row", "it is profiled, and there is no verdict on drift"),
    "fault-24": Guard("integers lie at the ends of 64 bits", "they do not wrap, and the profile is made"),
    "fault-25": Guard("a column holds lists where values are declared", "the column alone is null, with the reason"),
    "fault-26": Guard(
        "a category of the reference vanishes", "PSI is finite, by half a row in place of none as documented"
    ),
    "fault-27": Guard("the reference is constant", "the Wasserstein distance is finite: its norm has a floor"),
    "fault-28": Guard(
        "labels come days after the predictions",
        "their days are measured anew; coverage is stored, and accuracy without labels is none and not 0",
    ),
    "fault-29": Guard("a writer of the store dies at any statement", "readers see the old day whole"),
    "fault-30": Guard("two runs publish one day at once", "one wins whole, the other is told of the conflict"),
    "fault-31": Guard(
        "a task is tried again after its Druid load has ended", "the load is found by its id and verified, not repeated"
    ),
    "fault-32": Guard("the store is locked", "a bounded wait, then a failure that is worth a retry"),
    "fault-33": Guard("the disk is full", "the day fails in words, and the version that was served is still served"),
    "fault-34": Guard(
        "a channel stays down", "its message is tried again, then a dead letter that people see and can send again"
    ),
    "fault-35": Guard("a breach is found again by another run", "the alert is updated, and nobody is told twice"),
    "fault-36": Guard(
        "a metric goes in and out of its limits", "soon after its end an alert reopens; only later is it a new one"
    ),
    "fault-37": Guard(
        "a clock is ahead", "the wait that it set ends in time: a message is not held back for as long as the clock was"
    ),
    "fault-38": Guard("a task of the DAG fails", "the day is recorded as failed, with its reason, and is reported"),
    "fault-39": Guard(
        "a service logs a value of another type than its column", "the row is there with null, counted with the reason"
    ),
    "fault-40": Guard(
        "a service logs a text of a million characters", "the row is there with null, counted with the reason"
    ),
    "fault-41": Guard(
        "a service logs a time without a zone, and none is declared", "the row is dropped and counted, and none assumed"
    ),
    "fault-42": Guard("a service logs anything at all", "no call raises, and each row is written or counted"),
    "fault-43": Guard("S3 is away while a service logs", "rows wait on the disk, and are there when it is back"),
    "fault-44": Guard(
        "S3 stays away until the spool is full", "rows are dropped and counted, and the next file says how many"
    ),
    "fault-45": Guard("the disk of a service is full", "rows are dropped and counted, and the service goes on"),
    "fault-46": Guard("two processes write a file of one name", "both are there, and none is written over"),
    "fault-47": Guard("a service forks after it has logged", "each copy writes its own rows, and none twice"),
    "fault-48": Guard("a service that logs is ended by SIGTERM", "every row is in the archive"),
    "fault-49": Guard(
        "a service that logs is killed", "the next process counts what died with it, and publishes what was spooled"
    ),
    "fault-50": Guard(
        "a service logs after the end of the capture, or beside a closed event loop", "no call raises, rows are counted"
    ),
    "fault-51": Guard(
        "captured values were hashed with another key than the monitoring's",
        "the file is refused by name with both ids of keys, and nothing is hashed again",
    ),
}

ATTACKS = {
    "attack-html": Guard("any text of a page is markup", "it is shown as the text that it is"),
    "attack-evidently": Guard("a value would end the script of Evidently's page", "it stays within its string"),
    "attack-page": Guard("somebody without a login asks for a page", "the page is refused"),
    "attack-csrf": Guard("a form is sent that no page gave to this user for this", "it is refused, nothing is changed"),
    "attack-origin": Guard("another site sends a form with the cookies of a user", "it is refused, nothing is changed"),
    "attack-path": Guard("an address leads out of the reports", "there is no such page"),
    "attack-sql": Guard("a column or value is written as SQL", "names are quoted and values bound"),
    "attack-yaml": Guard("a spec has YAML that would make an object of Python", "it is refused, and nothing runs"),
    "attack-jinja": Guard("a name of the data is a template", "messages contain it as it is, unrendered"),
    "attack-ssrf": Guard("a webhook leads to a private address, however it is spelt", "no request is sent"),
    "attack-secret": Guard("a webhook whose address is a secret cannot be reached", "the error does not show its path"),
    "attack-personal": Guard(
        "a check fails on personal values", "its outcome is passed or failed, without values and counts"
    ),
    "attack-formula": Guard(
        "values begin like formulas (=, +, -, @)", "no CSV is written in which a sheet would run them"
    ),
    "attack-pickle": Guard(
        "a file of the archive is a pickle", "it is refused as of no known format, and nothing runs"
    ),
    "attack-regex": Guard("a regular expression backtracks without end", "it is matched in linear time, by RE2"),
    "attack-telemetry": Guard("checks and Evidently's report are run", "nothing connects to anywhere"),
    "attack-evidence": Guard(
        "somebody changes an evidence bundle and makes all its hashes anew",
        "the head that was printed, and the signature, are no longer its own",
    ),
    "attack-archive": Guard(
        "an evidence bundle is a bomb, has a link, or a file twice", "it is refused before anything is unpacked"
    ),
    "attack-spool": Guard("somebody has put a link or a folder where a service will spool", "nothing is written there"),
    "attack-captured": Guard(
        "a service logs personal values", "none is in its queue's dropped columns, its spool or the archive"
    ),
}

CATALOGUE = FAULTS | ATTACKS
