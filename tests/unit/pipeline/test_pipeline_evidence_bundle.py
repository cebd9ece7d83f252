"""Whatever is changed in an evidence bundle is found and named, and what is dangerous to read is not read."""

from __future__ import annotations

import hashlib
import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from airflow_mlmon.errors import ConfigError, DataError
from airflow_mlmon.pipeline.evidence_bundle.archive import HEAD, INDEX, SIGNATURE, write_archive
from airflow_mlmon.pipeline.evidence_bundle.chain import START, Chain, follow_chain
from airflow_mlmon.pipeline.evidence_bundle.differences import compare_bundles
from airflow_mlmon.pipeline.evidence_bundle.signature import read_private_key, read_public_key
from airflow_mlmon.pipeline.evidence_bundle.verify import DAYS, PEOPLE, verify_bundle
from tests.support.evidence import contents, rewrite

VERDICTS = "days/2026-03-01/verdicts.jsonl"


def write(path: Path, sign=None, who: str = "ann", model: str = "m") -> str:
    """A bundle of one day, with one deed; the head."""
    days, people = Chain(), Chain()
    verdicts = b'{"metric":"rows","state":"OK"}\n'
    with write_archive(path) as writer:
        digest = writer.add(VERDICTS, [verdicts])
        lines = [days.add({"day": f"2026-03-0{n}", "status": "OK", "sha256": {"verdicts": digest}}) for n in (1,)]
        lines.append(days.add({"day": "2026-03-02", "status": None, "why": "it was not run"}))
        writer.add(DAYS, [f"{line}\n".encode() for line in lines])
        deed = {"at": "2026-03-02T07:00", "day": "2026-03-01", "kind": "ack", "who": who, "why": "known"}
        writer.add(PEOPLE, [f"{people.add(deed)}\n".encode()])
        about = {"model": model, "first": "2026-03-01", "last": "2026-03-02"}
        return writer.finish({**about, "days": days.head, "people": people.head}, sign)


@pytest.fixture
def bundle(tmp_path) -> Path:
    write(tmp_path / "sound.zip")
    return tmp_path / "sound.zip"


@pytest.fixture
def files(bundle) -> dict[str, bytes]:
    return contents(bundle)


@pytest.fixture(scope="module")
def keys(tmp_path_factory) -> Path:
    """Two pairs of keys as openssl makes them, and one of another kind."""
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in (("own", "ed25519"), ("other", "ed25519"), ("x", "x25519")):
        subprocess.run(["openssl", "genpkey", "-algorithm", kind, "-out", folder / f"{name}.pem"], check=True)
        subprocess.run(
            ["openssl", "pkey", "-in", folder / f"{name}.pem", "-pubout", "-out", folder / f"{name}.pub"], check=True
        )
    return folder


def faults(path: Path, **given) -> list[str]:
    """The faults that are found, also those for which nothing is read."""
    try:
        return list(verify_bundle(path, **given).faults)
    except DataError as error:
        return [str(error)]


def test_a_sound_bundle_has_no_fault(bundle):
    found = verify_bundle(bundle)

    assert found.faults == ()
    assert found.files == 3
    assert found.notes == (
        "It is not signed: compare the head with the one that was printed when it was made (--head).",
    )


def test_any_changed_byte_is_found(bundle, tmp_path):
    sound, changed = bundle.read_bytes(), tmp_path / "changed.zip"
    missed = []
    for position in range(len(sound)):
        changed.write_bytes(sound[:position] + bytes([sound[position] ^ 1]) + sound[position + 1 :])
        if not faults(changed):
            missed.append(position)

    assert missed == []


def test_a_truncated_or_extended_archive_is_found(bundle, tmp_path):
    sound, changed = bundle.read_bytes(), tmp_path / "changed.zip"
    for content in (b"", b"PK", *(sound[:size] for size in range(50, len(sound), 50)), sound + b"\n", b"\n" + sound):
        changed.write_bytes(content)
        assert faults(changed), len(content)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        (VERDICTS, (b"OK", b"NO"), "days/2026-03-01/verdicts.jsonl was changed (31 bytes were written, 31 are there)."),
        (DAYS, (b"was not", b"is not"), "days.jsonl: line 2 does not follow from the one before"),
        (PEOPLE, (b"known", b"knowm"), "people.jsonl: line 1 does not follow from the one before"),
        (INDEX, (b'"bytes":31', b'"bytes":30'), "index.jsonl: line 1 does not follow from the one before"),
        (HEAD, (b'"files":3', b'"files":4'), "head.json: files is 4, but 3 was found."),
        (HEAD, (b'"format":1', b'"format":2'), "head.json has format 2; this release reads 1."),
        (HEAD, (b"{", b"["), "head.json is no JSON"),
    ],
)
def test_what_was_changed_is_named(files, tmp_path, name, change, told):
    old, new = change
    assert old in files[name]
    changed = rewrite({**files, name: files[name].replace(old, new)}, tmp_path / "changed.zip")

    assert any(told in fault for fault in faults(changed))


@pytest.mark.parametrize("name", [VERDICTS, DAYS, PEOPLE, INDEX, HEAD])
def test_a_missing_file_is_named(files, tmp_path, name):
    changed = rewrite({key: content for key, content in files.items() if key != name}, tmp_path / "changed.zip")

    assert f"{name} is missing." in faults(changed)


def test_an_added_file_and_another_order_are_named(files, tmp_path):
    added = rewrite({**files, "days/2026-03-01/more.json": b"{}"}, tmp_path / "added.zip")
    moved = rewrite(dict(reversed(files.items())), tmp_path / "moved.zip")

    assert faults(added) == ["days/2026-03-01/more.json was added: the index does not name it."]
    assert faults(moved) == [f"The files are in another order than in the index, from {HEAD} on."]


def test_a_day_that_names_another_file_is_found(files, tmp_path):
    """Whoever makes a new chain of the days has to make one of the index, whose head is known."""
    days = Chain()
    line = days.add({"day": "2026-03-01", "status": "OK", "sha256": {"verdicts": "0" * 64}})
    changed = rewrite({**files, DAYS: f"{line}\n".encode()}, tmp_path / "changed.zip")

    assert "days.jsonl: the line of 2026-03-01 names another days/2026-03-01/verdicts.jsonl." in faults(changed)


@pytest.mark.guards("attack-evidence")
def test_a_bundle_that_was_made_anew_is_found_by_its_head_or_the_signature(tmp_path, keys):
    own, other = (read_private_key(keys / f"{name}.pem") for name in ("own", "other"))
    public = read_public_key(keys / "own.pub")
    head = write(tmp_path / "own.zip", own.sign)
    write(tmp_path / "forged.zip", other.sign, who="eve")
    write(tmp_path / "unsigned.zip")
    taken = contents(tmp_path / "own.zip")
    forged = contents(tmp_path / "forged.zip") | {SIGNATURE: taken[SIGNATURE]}
    rewrite(forged, tmp_path / "glued.zip")

    assert verify_bundle(tmp_path / "own.zip", key=public, head=head.upper()).faults == ()
    assert verify_bundle(tmp_path / "own.zip").notes == ("It is signed; --public-key verifies by whom.",)
    [fault] = faults(tmp_path / "forged.zip", head=head)
    assert fault.endswith("as was expected: it is another bundle.")
    for name in ("forged", "glued"):
        assert faults(tmp_path / f"{name}.zip", key=public) == [
            "The signature is not by the owner of this key, or the head was changed since."
        ]
    assert faults(tmp_path / "unsigned.zip", key=public) == ["It is not signed."]


def test_openssl_verifies_a_signature(tmp_path, keys):
    write(tmp_path / "own.zip", read_private_key(keys / "own.pem").sign)
    with zipfile.ZipFile(tmp_path / "own.zip") as archive:
        archive.extractall(tmp_path)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", keys / "own.pub", "-rawin"]
    command += ["-in", tmp_path / HEAD, "-sigfile", tmp_path / SIGNATURE]

    assert subprocess.run(command, check=False, capture_output=True).returncode == 0


def test_a_chain_can_be_followed_as_the_page_says(files):
    """In a few lines of another hand, without this package."""
    previous = hashlib.sha256(b"mlmon evidence 1").hexdigest()
    for line in files[INDEX].decode().splitlines():
        body = line[: line.rindex(',"chain":"')] + "}"
        previous = hashlib.sha256(f"{previous}\n{body}".encode()).hexdigest()
        assert line.endswith(f'"{previous}"}}')

    assert json.loads(files[HEAD])["head"] == previous
    assert list(follow_chain([], "x")) == []
    assert Chain().head == START


@pytest.mark.parametrize("name", ["own.pub", "x.pem", "none.pem"])
def test_a_key_that_cannot_sign_is_refused(keys, name):
    with pytest.raises(ConfigError, match=r"private key|cannot read"):
        read_private_key(keys / name)


@pytest.mark.parametrize("name", ["own.pem", "x.pub", "none.pub"])
def test_a_key_that_cannot_verify_is_refused(keys, name):
    with pytest.raises(ConfigError, match=r"public key|cannot read"):
        read_public_key(keys / name)


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/passwd", "days\\evil.json", "days/../evil.json", "a//b", ".hidden", "a b", "day/"]
)
def test_a_path_that_leads_elsewhere_is_refused(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        archive.writestr(name, "x")

    with pytest.raises(DataError, match="which no bundle has: it was not read"):
        verify_bundle(tmp_path / "evil.zip")


@pytest.mark.guards("attack-archive")
def test_a_bomb_a_link_and_a_name_given_twice_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(INDEX, b"0" * 50_000_000)
    link = zipfile.ZipInfo("days.jsonl")
    link.external_attr, link.create_system = 0o120777 << 16, 3
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with zipfile.ZipFile(tmp_path / "lzma.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(DAYS, "x")
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr(DAYS, "x")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(DAYS, "y")

    for name, told in (("bomb", "times its size"), ("link", "a link"), ("lzma", "foreign"), ("twice", "twice")):
        with pytest.raises(DataError, match=rf"{told}.*it was not read"):
            verify_bundle(tmp_path / f"{name}.zip")


def test_bundles_of_two_models_or_of_other_days_cannot_be_compared(tmp_path, bundle):
    write(tmp_path / "other.zip", model="n")

    with pytest.raises(ConfigError, match="is of model n"):
        compare_bundles(tmp_path / "other.zip", bundle)
    with pytest.raises(ConfigError, match="No such file"):
        verify_bundle(tmp_path / "none.zip")


def test_a_bundle_is_written_whole_or_not_at_all(tmp_path):
    def lines():
        yield b"x"
        raise RuntimeError

    with pytest.raises(RuntimeError), write_archive(tmp_path / "half.zip") as writer:
        writer.add(DAYS, lines())

    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigError, match="cannot be written"), write_archive(tmp_path / "no" / "folder.zip"):
        pass


def test_archive_of_a_later_version_of_the_format_is_none_that_can_be_read(bundle):
    changed = bytearray(bundle.read_bytes())
    changed[changed.index(b"PK\1\2") + 6] = 200
    bundle.write_bytes(changed)

    with pytest.raises(DataError, match=r"no evidence bundle: zip file version 20\.0"):
        verify_bundle(bundle)
