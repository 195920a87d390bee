"""`python -m services.inference`: serves the CPU engine, or becomes SGLang."""

from services.inference.settings import InferenceSettings
from services.inference.sglang import become_sglang
from services.kit.log import configure_log
from services.kit.settings import load_settings


def main() -> None:
    settings = load_settings(InferenceSettings)
    configure_log("inference", settings.log_level)
    if settings.engine == "sglang":
        become_sglang(settings)
    # Only now: torch takes seconds to import, which neither SGLang nor a misspelt setting should wait for.
    from services.inference.cpu.process import serve_cpu_engine

    serve_cpu_engine(settings)


if __name__ == "__main__":
    main()
