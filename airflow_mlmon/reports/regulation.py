"""Which records serve which duties of the EU AI Act and of SR 26-2, as of a date; no claim of compliance.

The texts were read in secondary sources; see `SOURCES`. A test couples the records to the files of a bundle.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

AS_OF = date(2026, 11, 29)
NOTICE = (
    "This list is an aid to reading, not legal advice, and no statement that anybody complies with anything. Whether a "
    "system is of high risk, who is its provider or deployer, and which duties follow, is for its lawyers to say."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRecord:
    """File of a bundle, and what it holds."""

    file: str
    holds: str


# by the name that the list of duties uses
RECORDS: dict[str, BundleRecord] = {
    "plan": BundleRecord(
        file="plans/<id>.json",
        holds="the spec with every default, channels and software versions; each day names the plan it "
        "was evaluated under",
    ),
    "days": BundleRecord(
        file="days.jsonl",
        holds="a line per day, chained: status, rows read, accepted and quarantined, version of the "
        "rows, counts, plan, and the hashes of the day's files",
    ),
    "manifests": BundleRecord(
        file="days/<day>/manifest.json",
        holds="files that the day was read from, with sizes and SHA-256, and rows accepted and refused by reason",
    ),
    "verdicts": BundleRecord(
        file="days/<day>/verdicts.jsonl",
        holds="each value with the limits in force, p-value, effect size, expected value, and the result",
    ),
    "checks": BundleRecord(
        file="days/<day>/checks.jsonl",
        holds="data quality checks with what was expected and observed",
    ),
    "metrics": BundleRecord(
        file="days/<day>/metrics.jsonl",
        holds="each metric with its rows and its 95 % interval",
    ),
    "basis": BundleRecord(
        file="days/<day>/basis.json",
        holds="what the verdicts rest on: baselines, past days and label deliveries, each with its version",
    ),
    "alerts": BundleRecord(
        file="alerts.jsonl",
        holds="breaches that alerts were raised for, with the likely cause",
    ),
    "incidents": BundleRecord(
        file="incidents.jsonl",
        holds="each alert from its first breach until it was resolved",
    ),
    "people": BundleRecord(
        file="people.jsonl",
        holds="who did what, when and why, chained: acknowledged, muted, resolved, accepted baselines, forgotten days",
    ),
    "messages": BundleRecord(
        file="messages.jsonl",
        holds="who was notified of what: channel, attempts, time of confirmation",
    ),
    "labels": BundleRecord(
        file="label_deliveries.jsonl",
        holds="deliveries of labels that performance was measured on",
    ),
    "schemas": BundleRecord(
        file="profile_schemas.jsonl",
        holds="binning schemas that drift was measured by",
    ),
    "software": BundleRecord(
        file="software.json",
        holds="versions of the software that made the bundle",
    ),
    "gaps": BundleRecord(
        file="gaps.jsonl",
        holds="what is missing of the days, and why",
    ),
    "chain": BundleRecord(
        file="head.json",
        holds="head of the hash chain over all files, which may be signed",
    ),
}
FURTHER_FILES = {
    "README.html": "this page",
    "index.jsonl": "every file with its size and SHA-256, chained",
    "head.json.sig": "Ed25519 signature of head.json, if the bundle was signed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """Duty of a text.

    Attributes:
        text: The text.
        where: Article or section.
        asks: What it asks for, in short.
        records: Names of the records that serve it; none if no record does.
        lacks: What of it no record serves.
    """

    text: str
    where: str
    asks: str
    records: tuple[str, ...] = ()
    lacks: str


_ACT, _SR = "EU AI Act", "SR 26-2"
DUTIES: tuple[Duty, ...] = (
    Duty(
        text=_ACT,
        where="Art. 12(1), (2)",
        asks="a high-risk system records events over its lifetime, so that risks and substantial modifications can be "
        "found, and post-market monitoring and deployers' monitoring are possible",
        records=("days", "manifests", "verdicts", "alerts"),
        lacks="the events of the system itself, request by request, are in your archive of predictions, of which the "
        "bundle has hashes only",
    ),
    Duty(
        text=_ACT,
        where="Art. 12(3)",
        asks="remote biometric identification: period of each use, reference database, matches, persons who verified",
        lacks="all of it",
    ),
    Duty(
        text=_ACT,
        where="Art. 19(1)",
        asks="providers keep the automatically generated logs under their control, six months at least",
        records=("days", "verdicts", "alerts", "manifests", "gaps"),
        lacks="the logs are the archive of predictions: how long it is kept is yours; retention in the plan says how "
        "long what was made of it is kept",
    ),
    Duty(
        text=_ACT,
        where="Art. 26(5)",
        asks="deployers monitor the operation by the instructions for use, and inform provider and authority of risks "
        "and serious incidents",
        records=("plan", "verdicts", "incidents", "messages", "people"),
        lacks="the instructions for use; whether the monitoring follows them; informing anybody outside",
    ),
    Duty(
        text=_ACT,
        where="Art. 26(6)",
        asks="deployers keep the logs under their control, six months at least",
        records=("days", "verdicts", "alerts", "manifests", "gaps"),
        lacks="as for Art. 19(1)",
    ),
    Duty(
        text=_ACT,
        where="Art. 72(1), (2)",
        asks="providers collect, document and analyse data on performance throughout the lifetime, to evaluate whether "
        "the requirements are still met",
        records=("metrics", "verdicts", "checks", "labels", "basis", "incidents"),
        lacks="requirements that no metric measures; interaction with other AI systems; data from deployers that is "
        "not in the archive",
    ),
    Duty(
        text=_ACT,
        where="Art. 72(3)",
        asks="a post-market monitoring plan, part of the technical documentation of Annex IV",
        records=("plan",),
        lacks="what a plan has beside thresholds: purposes, persons, procedures; the Commission's template, if there "
        "is one",
    ),
    Duty(
        text=_ACT,
        where="Art. 73",
        asks="providers report serious incidents, within 15 days or sooner",
        records=("incidents", "people"),
        lacks="which incident is serious, and the report: an alert is a statistical finding",
    ),
    Duty(
        text=_ACT,
        where="Art. 9 to 11, 13 to 15, 17, 27",
        asks="risk management, data governance, technical documentation, information, human oversight, accuracy and "
        "robustness, quality management, impact assessment",
        lacks="all of it; single records may be cited there",
    ),
    Duty(
        text=_SR,
        where="V. Model validation and monitoring",
        asks="ongoing monitoring that a model performs as intended as data, markets and uses change; outcomes analysis "
        "against realised outcomes",
        records=("metrics", "verdicts", "checks", "labels", "basis", "incidents"),
        lacks="conceptual soundness; benchmarking against other models but by mlmon compare; validation by somebody "
        "independent",
    ),
    Duty(
        text=_SR,
        where="VI. Governance and controls",
        asks="roles, policies, documentation, an inventory, and follow-up of what was found",
        records=("plan", "people", "messages", "schemas", "software", "chain"),
        lacks="policies, roles and approvals beyond the owner and who acted; the inventory is the fleet page's list of "
        "monitored models, not of all models",
    ),
    Duty(
        text=_SR,
        where="IV. Model development and use; VII. Vendor products",
        asks="sound development, testing and use; the same of what is bought",
        lacks="all of it; a vendor's model is monitored by its predictions like any other",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is known of a text on the day of the list."""

    text: str
    known: str


STANDINGS: tuple[Standing, ...] = (
    Standing(
        text="EU AI Act, Regulation (EU) 2024/1689",
        known="In force since 1 August 2024. By the Digital Omnibus on AI (proposal COM(2025) 836; adopted by "
        "Parliament on 16 June and by the Council on 29 June 2026) the duties of high-risk systems apply from "
        "2 December 2027 (Annex III) and 2 August 2028 (Annex I), in the place of 2 August 2026 and 2027.",
    ),
    Standing(
        text="Pending, or not verified here",
        known="The Omnibus was read in law firms' notes, not in the Official Journal: verify its publication and final "
        "wording. The template of the post-market monitoring plan (Art. 72(3)) was due on 2 February 2026; whether it "
        "was adopted, or replaced by guidance as the proposal had it, was not verified. Harmonised standards of "
        "CEN-CENELEC and ISO/IEC 24970 (logging) are drafts.",
    ),
    Standing(
        text="SR 26-2 of the Federal Reserve, OCC Bulletin 2026-13, FDIC FIL-15-2026",
        known="Issued on 17 April 2026 in the place of SR 11-7 and OCC 2011-12, which are rescinded. Principles, not "
        "enforceable standards; most relevant to banks of more than $30 billion; generative and agentic AI are out of "
        "scope, for which a request for information was announced.",
    ),
)
SOURCES = (
    "Read for this list: Art. 12, 19, 26 and 72 as published in OJ L, 2024/1689 of 12 July 2024; the Federal Reserve's "
    "contents of the guidance and the FDIC's release on it; several law firms' notes on the Omnibus."
)
