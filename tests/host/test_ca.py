"""The authority and what it signs: what is in the certificates, and what a client of TLS makes of them."""

from __future__ import annotations

import datetime
import os
import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from pinwarden import address as addresses
from pinwarden import tomlfile
from pinwarden.ca import authority, handout, leaf
from pinwarden.ca.authority import Address, Authority, Names
from pinwarden.device import Device, create
from pinwarden.errors import AuthorityExists, BadCertificate, BadSecrets, ExposedSecret, NoAuthority
from pinwarden.mint import link_for

NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


@pytest.fixture
def signer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv(authority.VARIABLE, str(tmp_path / "ca"))
    return authority.create(tmp_path / "ca", ["home.example"], NOW)


def with_https(name: str = "door", **changes: str) -> Device:
    """A device folder with HTTPS; `changes` are lines of device.toml."""
    made = create(name, Path())
    file = made.folder / "device.toml"
    lines = "".join(f"{key} = {value}\n" for key, value in changes.items())
    text = file.read_text().replace("\n[http]\n", "\n[http]\ntls = true\n")
    file.write_text(text.replace("version = 1\n", f"version = 1\n{lines}", 1))
    assert tomlfile.read(file)[0]["http"]["tls"] is True
    return Device.load(made.folder)


@pytest.fixture
def https() -> Device:
    return with_https()


def refusal(signer: Authority, pem: Path, name: str) -> str | None:
    """What a client that trusts the authority, and nobody else, says of a server; None: nothing."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(signer.certificate_file)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    done = set()
    while len(done) < 2:
        for end in (one, other):
            try:
                end.do_handshake()
                done.add(end)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLCertVerificationError as error:
                return error.verify_message
    return None


def signed(signer: Authority, tmp_path: Path, *names: str, now: datetime.datetime = NOW) -> Path:
    """A server's file with a certificate for any names at all, as whoever has stolen the key makes it."""
    key = ec.generate_private_key(ec.SECP256R1())
    dns = tuple(name for name in names if leaf.as_address(name) is None)
    found = Names(dns, tuple(Address(name) for name in names if name not in dns))
    certificate = signer.sign("any", found, key.public_key(), now)
    from cryptography.hazmat.primitives.serialization import Encoding

    file = tmp_path / "any.pem"
    file.write_bytes(authority.private_pem(key) + certificate.public_bytes(Encoding.PEM))
    return file


def test_its_key_stays_with_its_owner(signer) -> None:
    assert stat.S_IMODE(signer.key_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(signer.folder.stat().st_mode) == 0o700
    assert (signer.folder / ".gitignore").read_text() == "/ca.key\n"
    assert b"PRIVATE" not in signer.certificate_file.read_bytes()


def test_there_is_one(signer) -> None:
    before = signer.key_file.read_bytes()
    with pytest.raises(AuthorityExists):
        authority.create(signer.folder, (), NOW)
    assert signer.key_file.read_bytes() == before


def test_is_made_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no room"):
        authority.create(tmp_path / "ca", (), NOW)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "door.local",
        "a.b.local",
        "nas.lan",
        "x.home.arpa",
        "localhost",
        "192.168.1.20",
        "10.0.0.1",
        "127.0.0.1",
    ],
)
def test_signs_for_what_is_local(signer, tmp_path, name: str) -> None:
    assert refusal(signer, signed(signer, tmp_path, name), name) is None


@pytest.mark.parametrize(
    "name", ["bank.example", "door", "app", "xlocal", "local.example", "8.8.8.8", "172.32.0.1"]
)
def test_a_stolen_key_signs_for_nothing_else(signer, tmp_path, name: str) -> None:
    assert refusal(signer, signed(signer, tmp_path, "door.local", name), "door.local") == (
        "permitted subtree violation"
    )
    assert not signer.permits(leaf.as_address(name) or name)


def test_signs_for_further_domains(signer, tmp_path) -> None:
    assert refusal(signer, signed(signer, tmp_path, "door.home.example"), "door.home.example") is None


def test_a_certificate_ends(signer, tmp_path) -> None:
    long_ago = NOW - authority.LEAF_DAYS * DAY
    assert refusal(signer, signed(signer, tmp_path, "door.local", now=long_ago), "door.local") == (
        "certificate has expired"
    )
    certificate = x509.load_pem_x509_certificate(signed(signer, tmp_path, "door.local").read_bytes())
    lives = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lives == authority.LEAF_DAYS * DAY, "phones take none that lives longer"


def test_where_it_is(tmp_path, monkeypatch, https) -> None:
    monkeypatch.delenv(authority.VARIABLE, raising=False)
    assert authority.find(https.folder) == authority.users_own()
    (tmp_path / authority.BESIDE).mkdir()
    assert authority.find(https.folder) == tmp_path / authority.BESIDE
    monkeypatch.setenv(authority.VARIABLE, str(tmp_path / "named"))
    assert authority.find(https.folder) == tmp_path / "named"


def test_a_device_gets_its_names(signer, tmp_path) -> None:
    device = with_https(hosts='["door.lan", "192.168.1.7", "door.example", "1.2.3.4"]', setup_mode="true")
    made, left_out = leaf.issue(device, [Address("10.0.0.9")], NOW)
    assert made.names.dns == ("door.local", "door.lan")
    assert list(map(str, made.names.addresses)) == ["192.168.4.1", "192.168.1.7", "10.0.0.9"]
    assert left_out == ["1.2.3.4", "door.example"]
    for name in ("door.local", "door.lan", "10.0.0.9"):
        assert refusal(signer, device.tls_file, name) is None
    assert "Hostname mismatch" in str(refusal(signer, device.tls_file, "gate.local"))
    assert stat.S_IMODE(device.tls_file.stat().st_mode) == 0o600


def test_is_made_when_it_is_time(signer, https) -> None:
    assert "there was no certificate" in str(leaf.ensure(https, now=NOW))
    first = https.tls_file.read_bytes()
    assert leaf.ensure(https, now=NOW) is None
    near = NOW + (authority.LEAF_DAYS - leaf.RENEW_DAYS - 2) * DAY
    assert leaf.ensure(https, now=near) is None
    assert https.tls_file.read_bytes() == first
    assert "the certificate ends on" in str(leaf.ensure(https, now=near + 2 * DAY))
    assert https.tls_file.read_bytes() != first


def test_is_made_anew_for_another_address(signer, https) -> None:
    leaf.ensure(https)
    https.remember("192.168.1.20", 443)
    assert "lacks 192.168.1.20" in str(leaf.ensure(https))
    assert leaf.ensure(https) is None
    https.remember("192.168.1.21", 443)
    assert "lacks 192.168.1.21" in str(leaf.ensure(https))
    found = leaf.read(https)
    assert found
    assert list(map(str, found.names.addresses)) == ["192.168.1.21", "192.168.1.20"]
    for number in range(30, 60):
        https.remember(f"192.168.1.{number}", 443)
        leaf.ensure(https)
    assert leaf.ensure(https) is None
    found = leaf.read(https)
    assert found
    assert len(found.names.addresses) == 8, "it does not grow for ever"
    https.remember("93.184.216.34", 443)
    assert leaf.ensure(https) is None, "nothing is signed for the internet"


def test_is_made_anew_by_another_authority(signer, https, tmp_path, monkeypatch) -> None:
    leaf.ensure(https)
    monkeypatch.setenv(authority.VARIABLE, str(tmp_path / "other"))
    assert leaf.ensure(https) is None, "where there is none, what there is serves"
    other = authority.create(tmp_path / "other", (), NOW)
    assert "another authority's" in str(leaf.ensure(https))
    assert refusal(other, https.tls_file, "door.local") is None


def test_a_computer_without_the_key(signer, https) -> None:
    leaf.ensure(https)
    signer.key_file.unlink()
    later = NOW + (authority.LEAF_DAYS - 5) * DAY
    assert leaf.ensure(https, now=later) is None
    with pytest.raises(NoAuthority, match="can sign no certificates"):
        leaf.ensure(https, now=later + 10 * DAY)


def test_without_an_authority(https, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(authority.VARIABLE, str(tmp_path / "none"))
    with pytest.raises(NoAuthority) as caught:
        leaf.ensure(https)
    assert "pinwarden ca init" in str(caught.value.hint)
    with pytest.raises(BadSecrets, match="no certificate yet"):
        https.secrets()


def test_a_device_without_https_needs_none(door) -> None:
    assert leaf.ensure(door) is None
    assert "tls" not in door.secrets()
    assert addresses.trust(door) is None


@pytest.mark.parametrize("damage", ["cut", "another key", "nonsense", "exposed", "key of the authority"])
def test_a_damaged_file_is_told(signer, https, damage: str) -> None:
    leaf.ensure(https)
    text = https.tls_file.read_text()
    wanted: type[Exception] = BadCertificate
    if damage == "cut":
        https.tls_file.write_text(text[:300])
    elif damage == "another key":
        leaf.issue(with_https("gate"), (), NOW)
        other = Path("gate/secrets/tls.pem").read_text()
        marker = "-----BEGIN CERTIFICATE"
        https.tls_file.write_text(other.partition(marker)[0] + marker + text.partition(marker)[2])
    elif damage == "nonsense":
        https.tls_file.write_bytes(b"\0" * 100)
    elif damage == "exposed":
        https.tls_file.chmod(0o644)
        wanted = ExposedSecret
    else:
        signer.key_file.write_bytes(https.tls_file.read_bytes())
        with pytest.raises(BadCertificate, match="is not the key of"):
            leaf.issue(https, (), NOW)
        return
    with pytest.raises(wanted) as caught:
        https.secrets()
    assert text[40:80] not in str(caught.value)


def test_the_board_gets_der(signer, https) -> None:
    leaf.ensure(https)
    tls = https.secrets()["tls"]
    assert set(tls) == {"cert", "key"}
    assert all(value.startswith("M") and len(value) < 1200 for value in tls.values())  # 0x30, a sequence


def test_what_the_tools_trust(signer, https) -> None:
    with pytest.raises(BadCertificate, match=r"ca\.crt is missing"):
        addresses.trust(https)
    leaf.ensure(https)
    trust = addresses.trust(https)
    assert trust
    assert trust.name == "door.local"
    known = [ssl.DER_cert_to_PEM_cert(der) for der in trust.context.get_ca_certs(binary_form=True)]
    assert known == [signer.certificate_file.read_text()], "and none of this computer's"
    (https.folder / "ca.crt").write_text("no certificate")
    with pytest.raises(BadCertificate, match="is no certificate"):
        addresses.trust(https)


def test_links_go_where_the_certificate_is_good(signer, https) -> None:
    leaf.ensure(https)
    assert link_for(https, "t") == "https://door.local/#token=t"
    https.remember("192.168.1.20", 443)
    assert link_for(https, "t") == "https://door.local/#token=t"
    leaf.ensure(https)
    assert link_for(https, "t") == "https://192.168.1.20/#token=t"
    https.remember("192.168.1.20", 8443)
    assert link_for(https, "t") == "https://192.168.1.20:8443/#token=t"


def test_hands_out_one_file(signer) -> None:
    import threading
    import urllib.error
    import urllib.request

    taken: list[str] = []
    with handout.Handout(b"der", taken.append, "127.0.0.1") as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(server.url, timeout=5) as answer:
            assert (answer.read(), answer.headers["Content-Type"]) == (b"der", handout.TYPE)
        for path in ("/", "/ca.key", "/00000000/pinwarden-ca.crt", "/../ca.key"):
            with pytest.raises(urllib.error.HTTPError, match="404") as refused:
                opener.open(f"http://127.0.0.1:{server.server_address[1]}{path}", timeout=5)
            refused.value.close()
        server.shutdown()
        thread.join(5)
    assert taken == ["127.0.0.1"]


def test_has_no_umask_to_thank(tmp_path, monkeypatch) -> None:
    before = os.umask(0)
    try:
        made = authority.create(tmp_path / "open", (), NOW)
    finally:
        os.umask(before)
    assert stat.S_IMODE(made.key_file.stat().st_mode) == 0o600
