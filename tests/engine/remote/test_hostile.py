"""What a pull request may not make us fetch, and what a hostile server may not do to us."""

import socket
import tarfile
import time

import pytest

from previews.engine.errors import BadInput
from previews.engine.remote import archives
from previews.engine.remote.archives import unpack
from previews.engine.remote.hosts import Hosts, Unreachable
from previews.engine.remote.index import listed
from previews.engine.remote.reach import make_reach
from previews.engine.remote.registry import Registry
from previews.engine.remote.web import Credential, Web
from tests.engine.remote.conftest import allow
from tests.engine.remote.servers import OciRegistry, archive, chart_archive
from tests.engine.remote.test_charts import on_c1, packed


@pytest.fixture
def server(serve):
    return serve()


@pytest.fixture
def names(monkeypatch):
    """Names as the test has them; `getaddrinfo` counts how often each is asked for."""
    asked = []

    def of(**addresses):
        def lookup(host, port, *_, **__):
            asked.append(host)
            found = addresses.get(host.replace(".", "_"), host)
            family = {True: socket.AF_INET6, False: socket.AF_INET}
            rows = [found] if isinstance(found, str) else found
            return [(family[":" in row], socket.SOCK_STREAM, 6, "", (row, port)) for row in rows]

        monkeypatch.setattr(socket, "getaddrinfo", lookup)
        return asked

    return of


def refused(hosts, url):
    with pytest.raises(Unreachable) as refusal:
        hosts.check(url)
    return str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://charts.example.com/x",
        "https://charts.example.com:8443/x",
        "https://evil.example.com/x",
        "https://charts.example.com.evil.org/x",
        "https://charts.example.com@evil.org/x",
        "file:///etc/passwd",
        "https:///x",
        "ftp://charts.example.com/x",
        "https://charts.example.com\\@evil.org/",
        "https://charts.example.com:99999999/",
    ],
)
def test_only_the_listed_host_scheme_and_port_may_be_asked(names, url):
    names(charts_example_com="93.184.216.34")
    hosts = Hosts(["charts.example.com"])
    assert hosts.check("https://CHARTS.example.com/x").address == "93.184.216.34"
    refused(hosts, url)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1", "0.0.0.0", "::1", "fe80::1", "fd00::1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1"],
)  # fmt: skip
def test_a_listed_name_that_lies_at_a_private_address_is_refused(names, address):
    names(charts_example_com=["93.184.216.34", address])
    assert f"lies at {address}, which is not public" in refused(
        Hosts(["charts.example.com"]), "https://charts.example.com/"
    )


def test_a_private_address_counts_when_it_was_listed_with_the_name(names):
    names(charts_corp="10.1.2.3", other_corp="10.1.2.3")
    hosts = Hosts(["charts.corp=10.0.0.0/8", "other.corp", "10.9.9.9"])
    assert hosts.check("https://charts.corp/x").address == "10.1.2.3"
    assert hosts.check("https://10.9.9.9/x").address == "10.9.9.9"
    refused(hosts, "https://other.corp/x")
    refused(hosts, "https://10.9.9.8/x")


@pytest.mark.parametrize("listed_as", ["https://a/b", "a b", "-x y", "ftp://a", "a=10.0.0.0/99"])
def test_a_wrong_entry_of_the_list_is_named(listed_as):
    with pytest.raises(BadInput, match="ASTROLABE_CHART_HOSTS"):
        Hosts([listed_as])


def test_the_name_is_looked_up_once_and_the_checked_address_is_the_one_that_is_asked(names, server):
    asked = names(charts_example_com="127.0.0.1")
    server.pages["/x"] = b"here"
    port = server.server_address[1]
    web = Web(Hosts([f"http://charts.example.com:{port}=127.0.0.1"]), {}, 5)
    assert web.fetch(f"http://charts.example.com:{port}/x", 100) == b"here"
    assert asked == ["charts.example.com", "127.0.0.1"]  # the second is socket.create_connection with a plain address
    assert server.headers_seen[0]["Host"] == f"charts.example.com:{port}"


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/",
        "http://[::1]/",
        "//10.0.0.1/x",
        "file:///etc/passwd",
    ],
)
def test_a_redirect_is_checked_like_the_first_address(server, place):
    server.pages["/index.yaml"] = lambda request: request.answer(302, Location=place)
    with pytest.raises(Unreachable, match=r"is not allowed|is no web address"):
        Web(Hosts([server.url]), {}, 5).fetch(f"{server.url}/index.yaml", 100)


def test_redirects_end(server):
    server.pages["/a"] = lambda request: request.answer(302, Location="/a")
    with pytest.raises(Unreachable, match="redirects more than 5 times"):
        Web(Hosts([server.url]), {}, 5).fetch(f"{server.url}/a", 100)


def test_credentials_go_to_their_host_only_and_have_no_printed_form(serve):
    first, second = serve(), serve()
    first.pages["/a"] = lambda request: request.answer(307, Location=f"{second.url}/b")
    second.pages["/b"] = b"done"
    credential = Credential("robot", "s3cr3t-canary")
    web = Web(Hosts([first.url, second.url]), {first.host: credential}, 5)
    assert web.fetch(f"{first.url}/a", 100) == b"done"
    assert first.headers_seen[0]["Authorization"].startswith("Basic ")
    assert "Authorization" not in second.headers_seen[0]
    assert "canary" not in repr(credential) + str(credential)


def endless(request):
    request.send_response(200)
    request.end_headers()
    while True:
        request.wfile.write(b"a: b\n" * 10_000)


def test_an_endless_index_is_cut_off(server):
    server.pages["/index.yaml"] = endless
    with pytest.raises(Unreachable, match="sends more than 1 MB"):
        Web(Hosts([server.url]), {}, 20).fetch(f"{server.url}/index.yaml", 1_000_000)


def dripping(request):
    request.send_response(200)
    request.end_headers()
    for _ in range(200):
        request.wfile.write(b"a")
        time.sleep(0.05)


def test_a_server_that_sends_a_byte_now_and_then_is_cut_off_and_not_asked_again(server):
    server.pages["/index.yaml"] = dripping
    web = Web(Hosts([server.url]), {}, 0.5)
    begun = time.monotonic()
    for _ in range(2):
        with pytest.raises(Unreachable, match="took longer than"):
            web.fetch(f"{server.url}/index.yaml", 1000)
    assert time.monotonic() - begun < 3
    assert len(server.asked) == 1


def test_an_answer_that_ends_too_early_is_no_answer(server):
    def short(request):
        request.send_response(200)
        request.send_header("Content-Length", "100")
        request.end_headers()
        request.wfile.write(b"x")
        request.close_connection = True

    server.pages["/x"] = short
    with pytest.raises(Unreachable, match="cannot be reached"):
        Web(Hosts([server.url]), {}, 5).fetch(f"{server.url}/x", 1000)


def member(name, kind=tarfile.SYMTYPE, target="/etc/passwd"):
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_an_archive_with_links_or_devices_is_refused(kind):
    with pytest.raises(Unreachable, match=r"web/values\.yaml, which is a link or no regular file"):
        unpack(archive({"web/Chart.yaml": "x"}, member("web/values.yaml", kind)))


@pytest.mark.parametrize(
    "name", ["/etc/cron.d/x", "web/../../x", "../x", "web/a\nM 100644 inline b", 'we"b/x', "web/.git/config"]
)
def test_an_archive_that_leads_out_of_its_root_is_refused(name):
    with pytest.raises(Unreachable, match="no path below its root"):
        unpack(archive({name: "x"}))


def test_a_tar_bomb_is_refused_without_being_held(monkeypatch):
    monkeypatch.setattr(archives, "MAX_UNPACKED", 2_000_000)
    bomb = archive({f"web/{n}": b"\0" * 500_000 for n in range(10)})
    assert len(bomb) < 20_000
    with pytest.raises(Unreachable, match="holds more than 2 MB"):
        unpack(bomb)


def test_too_many_files_and_too_large_ones_are_refused(monkeypatch):
    monkeypatch.setattr(archives, "MAX_FILES", 3)
    with pytest.raises(Unreachable, match="more than 3 files"):
        unpack(archive({f"web/{n}": "" for n in range(5)}))
    with pytest.raises(Unreachable, match="larger than 10 MiB"):
        unpack(archive({"web/large": b"\0" * (11 << 20)}))


@pytest.mark.parametrize("data", [b"", b"\x1f\x8b\x08 broken", b"no tar at all" * 100])
def test_what_is_no_archive_is_refused(data):
    if data:
        with pytest.raises(Unreachable, match="cannot be unpacked"):
            unpack(data)
    else:
        with pytest.raises(Unreachable):
            unpack(data)


def test_a_wrong_digest_of_a_helm_repository_is_a_refusal_and_nothing_is_kept(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"), digest="f" * 64)
    for _ in range(2):
        _, cells = preview({"x": "y"}, on_c1(helm.url, "1.0.0"), allow(helm))
        assert "does not have the digest ffffffffffff" in cells["c1", "web"].skipped.message


def test_a_wrong_digest_of_a_registry_is_a_refusal(preview, registry):
    registry.add("charts/web", "1.0.0", packed("1.0.0"), digest="sha256:" + "0" * 64)
    _, cells = preview({"x": "y"}, on_c1(f"{registry.host}/charts", "1.0.0"), allow(registry))
    assert "does not have the digest sha256:0000" in cells["c1", "web"].skipped.message


def test_an_archive_without_a_chart_is_said(preview, helm):
    helm.add("web", "1.0.0", archive({"README.md": "x"}))
    _, cells = preview({"x": "y"}, on_c1(helm.url, "1.0.0"), allow(helm))
    assert "holds no Chart.yaml" in cells["c1", "web"].skipped.message


def test_a_huge_archive_is_cut_off(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"))
    helm.pages["/archives/web-1.0.0.tgz"] = b"\0" * 21_000_000
    _, cells = preview({"x": "y"}, on_c1(helm.url, "1.0.0"), allow(helm))
    assert "sends more than 20 MB" in cells["c1", "web"].skipped.message


def test_an_index_may_not_send_us_elsewhere(preview, helm):
    helm.add("web", "1.0.0", packed("1.0.0"), url="http://169.254.169.254/web.tgz")
    _, cells = preview({"x": "y"}, on_c1(helm.url, "1.0.0"), allow(helm))
    assert "the host http://169.254.169.254 is not allowed" in cells["c1", "web"].skipped.message


def test_a_registry_may_not_send_us_elsewhere_for_its_token(serve):
    server = serve()
    where = 'Bearer realm="http://127.0.0.1:1/token"'
    server.pages["/v2/*"] = lambda request: request.answer(401, WWW_Authenticate=where)
    with pytest.raises(Unreachable, match=r"http://127\.0\.0\.1:1 is not allowed"):
        Registry(Web(Hosts([server.url]), {}, 5), f"{server.host}/charts/web").tags()


def test_a_registry_that_never_stops_listing_tags_is_cut_off(serve):
    server = serve()
    answer = b'{"tags": ["1.0.0"]}'
    server.pages["/v2/*"] = lambda request: request.answer(200, answer, Link='</v2/a/tags/list?n=1>; rel="next"')
    with pytest.raises(Unreachable, match="more than 200 pages"):
        Registry(Web(Hosts([server.url]), {}, 5), f"{server.host}/a").tags()


def test_a_private_registry_is_asked_with_its_credentials(serve):
    registry = serve(OciRegistry, "Basic cm9ib3Q6cGFzcw==")
    registry.add("charts/web", "1.0.0", packed("1.0.0"))
    hosts = Hosts([registry.url])
    with pytest.raises(Unreachable, match="answered 401"):
        Registry(Web(hosts, {}, 5), f"{registry.host}/charts/web").tags()
    known = Web(hosts, {registry.host: Credential("robot", "pass")}, 5)
    assert Registry(known, f"{registry.host}/charts/web").tags() == ["1.0.0"]


@pytest.mark.parametrize("address", ["host", "host/", "host/../x", "host/UPPER", "host/a?b", "/a", "host/a b"])
def test_what_is_no_repository_of_a_registry_is_refused(address):
    with pytest.raises(Unreachable, match="is no repository of a registry"):
        Registry(Web(Hosts(), {}), address)


def test_one_chart_of_a_large_index_is_read_without_reading_the_rest():
    rows = "".join(f"  - version: 1.0.{n}\n    urls: [web-{n}.tgz]\n    digest: abc\n" for n in range(3))
    text = f"apiVersion: v1\nentries:\n  other:\n  - version: 9.0.0\n    urls: [x]\n    bad: [[[\n  web:\n{rows}  zzz: []\ngenerated: now\n"
    assert [item.version for item in listed(text.encode(), "web")] == ["1.0.0", "1.0.1", "1.0.2"]


@pytest.mark.parametrize(
    "text",
    ['{"entries": {"web": [{"version": "1.0.0", "urls": ["a"]}]}}', "entries: {web: [{version: 1.0.0, urls: [a]}]}",
     "entries:\n    web:\n    - {version: 1.0.0, urls: [a]}\n    - {version: 2.0.0, urls: []}\n    - nonsense\n"],
)  # fmt: skip
def test_an_index_of_another_form_is_read_as_a_whole(text):
    assert [(item.version, item.url) for item in listed(text.encode(), "web")] == [("1.0.0", "a")]


@pytest.mark.parametrize("text", ["", "[]", "entries: 1", "<html>", "{" * 100_000, "a: " + "[" * 50_000, "x: &a [*a]"])
def test_a_broken_index_is_refused(text):
    with pytest.raises(Unreachable, match=r"its index\.yaml"):
        listed(text.encode(), "web")


def test_a_version_is_no_path(preview, registry):
    registry.add("charts/web", "1.0.0", packed("1.0.0"))
    _, cells = preview({"x": "y"}, on_c1(f"{registry.host}/charts", "1.0.0-../../../token"), allow(registry))
    assert cells["c1", "web"].yaml == "skipped"
    assert not [path for path in registry.asked if ".." in path]


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"credentials": []}',
        '{"hosts": {}}',
        '{"credentials": {"h": {"pass": "canary"}}}',
        '{"credentials": {"h": "canary"}}',
    ],
)
def test_a_wrong_file_of_credentials_is_refused_without_telling_what_it_says(tmp_path, text):
    file = tmp_path / "remotes.json"
    file.write_text(text)
    with pytest.raises(BadInput, match="ASTROLABE_REMOTES") as refusal:
        make_reach([], [], str(file))
    assert "canary" not in str(refusal.value)


def test_a_chart_with_a_hostile_name_stays_in_its_place(preview, helm):
    helm.add("../../web", "1.0.0", chart_archive("web", "1.0.0", {}), url="web.tgz")
    _, cells = preview({"x": "y"}, on_c1(helm.url, "1.0.0", name="../../web"), allow(helm))
    assert cells["c1", "web"].skipped is None
