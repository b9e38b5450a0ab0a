"""Swift with its S3 API in one process: the proxy by TLS on the given port, and behind it the account, container and
object servers on ports of their own, over one replica of everything in the folder of the settings. What was answered
stays there over a restart and a SIGKILL. The argument is a file of settings."""

import json
import logging
import os
import sys

import eventlet
import eventlet.wsgi
from eventlet.green import ssl
from swift.common import constraints, utils, wsgi
from swift.common.ring import RingBuilder
from swift.common.utils import logs

path = os.path.abspath(sys.argv[1])
folder = os.path.dirname(path)
with open(path) as file:
    settings = json.load(file)

# There is no syslog: it would be looked for on a port of this machine.
logs.ThreadSafeSysLogHandler = lambda **_: logging.StreamHandler()
utils.monkey_patch()

# The times are long, so that a busy machine makes no errors: nobody would do later what was put off. Errors are not
# held against a server, since there is no other.
COMMON = f"""
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
disable_fallocate = true
log_level = WARNING
node_timeout = 60
conn_timeout = 60
container_update_timeout = 60
error_suppression_limit = 1000000000
"""

# What a multi-part upload consists of is deleted at once: nobody would do it later.
PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck s3api tempauth bulk slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:s3api]
use = egg:swift#s3api
location = {region}
[filter:bulk]
use = egg:swift#bulk
[filter:slo]
use = egg:swift#slo
allow_async_delete = false
[filter:tempauth]
use = egg:swift#tempauth
{users}
"""

STORAGE = """
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
"""


def write(name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def listen(port):
    # Not shared: whoever else has the port is to be noticed.
    return eventlet.listen(("127.0.0.1", port), backlog=1024, reuse_port=False)


def load(name, text):
    """The application that a configuration describes."""
    write(f"{name}.conf", COMMON + text)
    return wsgi.loadapp(os.path.join(folder, f"{name}.conf"), global_conf={"log_name": name})


def serve(listener, application):
    # Names of headers as they are: clients look for `ETag`.
    eventlet.wsgi.server(
        listener,
        application,
        log=utils.NullLogger(),
        protocol=wsgi.SwiftHttpProtocol,
        capitalize_response_headers=False,
        url_length_limit=constraints.MAX_REQUEST_LINE,
    )


def storage(name):
    """Serves one kind of what is stored, and says in a ring where."""
    listener = listen(0)
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    place = {"ip": "127.0.0.1", "port": listener.getsockname()[1], "device": "one"}
    builder.add_dev({"region": 1, "zone": 1, "weight": 1, **place})
    builder.rebalance(seed=1)
    builder.get_ring().save(os.path.join(folder, f"{name}.ring.gz"))
    eventlet.spawn_n(serve, listener, load(name, STORAGE.format(name=name)))


os.makedirs(os.path.join(folder, "devices", "one"), exist_ok=True)
write("swift.conf", "[swift-hash]\nswift_hash_path_prefix = hawser\n")
utils.set_swift_dir(folder)
utils.validate_configuration()
utils.disable_fallocate()

tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(settings["certificate"], settings["key"])
# Who connects and says nothing keeps nobody else waiting.
proxy = tls.wrap_socket(listen(settings["port"]), server_side=True, do_handshake_on_connect=False)
for name in ["account", "container", "object"]:
    storage(name)
users = "\n".join(f"user_{name} = {rights}" for name, rights in settings["users"].items())
serve(proxy, load("proxy", PROXY.format(region=settings["region"], users=users)))
