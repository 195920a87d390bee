"""A resources server that ships with NeMo Gym, served without its launcher: `gym.py PORT NAME CLASS`."""

import sys
from importlib import import_module
from unittest.mock import MagicMock

import uvicorn
from nemo_gym.server_utils import ServerClient

if __name__ == "__main__":
    port, name, server = sys.argv[1:]
    module = import_module(f"resources_servers.{name}.app")
    config = getattr(module, f"{server}Config")(
        host="127.0.0.1", port=int(port), entrypoint="app.py", name=name
    )
    gym = getattr(module, server)(config=config, server_client=MagicMock(spec=ServerClient))
    uvicorn.run(gym.setup_webserver(), port=int(port), log_level="warning")
