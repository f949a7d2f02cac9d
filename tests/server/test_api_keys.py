"""API keys: who may ask, and whose jobs are whose."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from falcon.testing import Result
from harness import Api, api

from bide.cli.app import cli
from bide.errors import ConfigError
from bide.server import ServerConfig, load_config, run, running
from bide.server.keys import hash_of
from bide.server.rate_limit import RateLimit

ALICE, BOB = "bide_" + 43 * "a", "bide_" + 43 * "b"
KEYS = {"alice": hash_of(ALICE), "bob": hash_of(BOB)}


def ask(server: Api, key: str, path: str, method: str = "GET", **headers: str) -> Result:
    return server.request(method, path, Authorization=f"Bearer {key}", **headers)


def create(server: Api, key: str, **headers: str) -> Any:
    return ask(server, key, "/v1/jobs", "POST", **headers).json["id"]


def test_a_hash_is_sha256() -> None:
    """It is the one that FIPS 180-2 prints for 'abc', so that anybody can make one."""
    assert hash_of("abc") == "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer x", f"Basic {ALICE}", f"Bearer {ALICE}x", f"Bearer {ALICE} {BOB}"]
)
@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/jobs/x", "/status/x", "/v1/stats", "/metrics", "/nowhere"])
def test_without_a_key_nobody_gets_in(header: str | None, path: str) -> None:
    """Each route but the health answers 401, and says what it wants."""
    with api(keys=KEYS) as server:
        answer = server.get(path) if header is None else server.get(path, Authorization=header)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
        assert ALICE not in answer.text
        assert server.get("/healthz").status_code == 200


def test_jobs_are_visible_to_their_owner_only() -> None:
    """What is another's does not exist: it cannot be read, held, named, listed or cancelled."""
    with api(keys=KEYS) as server:
        job = create(server, ALICE)
        assert ask(server, ALICE, f"/v1/jobs/{job}").status_code == 200
        for path, method in (
            (f"/v1/jobs/{job}", "GET"),
            (f"/v1/jobs/{job}", "DELETE"),
            (f"/status/{job}", "GET"),
        ):
            assert ask(server, BOB, path, method).status_code == 404
        assert ask(server, BOB, f"/v1/jobs/{job}", Prefer="wait=5").status_code == 404
        assert server.pause.lengths == []
        assert ask(server, BOB, f"/v1/jobs?id={job}").json == {"jobs": [], "unknown": [job]}
        assert ask(server, BOB, "/v1/jobs").json["jobs"] == []
        assert [one["id"] for one in ask(server, ALICE, "/v1/jobs").json["jobs"]] == [job]
        assert ask(server, ALICE, f"/v1/jobs/{job}").json["status"] == "pending"


def test_two_owners_may_choose_the_same_idempotency_key() -> None:
    """Each gets a job of its own, and again the same one."""
    with api(keys=KEYS) as server:
        jobs = [create(server, key, Idempotency_Key="first") for key in (ALICE, BOB, ALICE, BOB)]
    assert jobs[:2] == jobs[2:]
    assert jobs[0] != jobs[1]


def test_limits_and_numbers_go_by_owner() -> None:
    """A rate limit is the owner's, from whatever address; the numbers have owners in place of addresses."""
    with api(keys=KEYS, rate_limit=RateLimit(requests=1, window=60)) as server:
        codes = [ask(server, key, "/v1/jobs").status_code for key in (ALICE, BOB, ALICE)]
        clients = ask(server, BOB, "/v1/stats").json["requests"]["by_client"]
    assert codes == [200, 200, 429]
    assert clients == {"bob": 1, "others": 2}


def test_pages_skip_what_is_anothers() -> None:
    """A list goes on through the jobs of one owner, however many others lie between."""
    with api(keys=KEYS) as server:
        mine = [create(server, key) for key in (ALICE, BOB, BOB, ALICE, BOB, ALICE)][::3][::-1]
        first = ask(server, ALICE, "/v1/jobs?limit=2").json
        second = ask(server, ALICE, f"/v1/jobs?limit=2&cursor={first['next']}").json
    assert len(first["jobs"]) == 2
    assert [job["id"] for job in second["jobs"]] == [mine[-1]]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[keys]\nalice = "bide_secret"', "keys.alice: must be 'sha256:' and 64 hexadecimal digits"),
        (f'[keys]\n"" = "{KEYS["bob"]}"', "keys: the name of a key's owner must not be empty"),
        ("[keys]\nalice = 3", "keys.alice: must be text, got 3"),
    ],
)
def test_a_key_that_stands_open_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """Only hashes are taken, and what is there is not repeated: it may be the key."""
    file = tmp_path / "server.toml"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert said in str(caught.value)
    assert "bide_secret" not in str(caught.value)


def test_a_key_is_made_with_its_lines(tmp_path: Path) -> None:
    """``bide key`` prints the key, and lines for the settings that let it in."""
    out = CliRunner().invoke(cli, ["key", 'al"ice']).output
    key, _, lines = out.partition("\n\n")
    (tmp_path / "server.toml").write_text(lines)
    config = load_config(tmp_path / "server.toml")
    assert key not in lines
    assert key not in repr(config)
    with api(keys=config.keys) as server:
        create(server, key)
        assert ask(server, key, "/v1/stats").json["requests"]["by_client"] == {'al"ice': 1, "others": 0}


def test_nobody_is_told_who_the_others_are() -> None:
    """In the numbers an owner sees its own requests, and all others' together."""
    with api(keys=KEYS) as server:
        for _ in range(3):
            create(server, ALICE)
        create(server, BOB)
        server.get("/v1/jobs")  # which is 401
        numbers = [ask(server, key, "/v1/stats").json["requests"] for key in (ALICE, BOB)]
    assert numbers[0]["by_client"] == {"alice": 3, "others": 2}
    assert numbers[1]["by_client"] == {"bob": 1, "others": 5}


EVERYWHERE = "0.0.0.0"  # noqa: S104 - only for the length of a test


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.1"])
def test_a_public_address_needs_keys(host: str) -> None:
    """Without keys a server does not listen where others can reach it, in a process or in a thread."""
    with pytest.raises(ConfigError, match=r"^host: others can reach it, so the server needs keys"):
        run(ServerConfig(), host=host, port=0, on_ready=lambda _: None)
    with pytest.raises(ConfigError, match=r"^host: "), running(ServerConfig(), host=host):
        pass


@pytest.mark.wire
@pytest.mark.parametrize("settings", [{"keys": KEYS}, {"public": True}])
def test_with_keys_or_told_so_it_listens(settings: Any) -> None:
    """Either is enough."""
    with running(ServerConfig(**settings), host=EVERYWHERE) as url:
        assert url.startswith("http://0.0.0.0:")


def test_a_key_has_an_owner() -> None:
    """A key without one would be refused by the server's settings."""
    result = CliRunner().invoke(cli, ["key", ""])
    assert result.exit_code == 2
    assert "OWNER: the name of a key's owner must not be empty" in result.output
