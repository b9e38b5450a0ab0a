"""Serves the application of scim2-server, as its own command does, but by Hypercorn: with TLS, HTTP/1.1 and HTTP/2, and
connections that stay open. The argument is a file of settings."""

import asyncio
import json
import os
import signal
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config
from scim2_models import ScimProvider, ServiceProviderConfig
from scim2_server.memory import InMemoryStorage
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME, BearerTokenApplication
from scim2_server.utils import load_default_resource_types, load_default_schemas

with open(sys.argv[1]) as file:
    settings = json.load(file)

provider_config = ServiceProviderConfig.model_validate(settings["provider"])
provider_config.authentication_schemes = [BEARER_TOKEN_SCHEME]
provider = ScimProvider.from_discovery(
    load_default_schemas().values(), load_default_resource_types().values(), config=provider_config
)


def tenant():
    return BearerTokenApplication(
        InMemoryStorage(),
        provider,
        service=ScimService(provider, secret=settings["token"]),
        bearer_tokens=[settings["token"]],
    )


own, empty = tenant(), tenant()


def application(environ, start_response):
    misled = settings["misled"] is not None and os.path.exists(settings["misled"])
    return (empty if misled else own)(environ, start_response)


config = Config()
config.bind = [f"127.0.0.1:{settings['port']}"]
config.certfile, config.keyfile = settings["certificate"], settings["key"]
config.errorlog = "-"
config.wsgi_max_body_size = 16 * 1024 * 1024


async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await serve(application, config, shutdown_trigger=stop.wait, mode="wsgi")


asyncio.run(main())
