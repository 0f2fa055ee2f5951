"""The HTTP door does what its description says: schemathesis sends what the description allows, and
what it does not.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

import uvicorn

ST = Path(sys.executable).with_name("st")
CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_schema_conformance,response_headers_conformance"
)
EXAMPLES = "40"


def test_nothing_that_is_sent_to_the_door_breaks_it(site, tmp_path):
    """No fault, no status, no kind of answer and no shape of it that the description does not
    name.
    """
    site.read(upstream="erp")
    key = site.key("erp")["authorization"]
    server = uvicorn.Server(
        uvicorn.Config(site.app, host="127.0.0.1", port=0, log_level="warning", access_log=False)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1/openapi.json"
    words = [
        str(ST),
        "run",
        url,
        "-H",
        f"Authorization: {key}",
        "--checks",
        CHECKS,
        "--max-examples",
        EXAMPLES,
        "--continue-on-failure",
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=250, cwd=tmp_path)
    server.should_exit = True
    thread.join(10)
    assert done.returncode == 0, done.stdout[-6_000:]
