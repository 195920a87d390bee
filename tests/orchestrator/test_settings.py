"""What the orchestrator makes of its settings."""

from pathlib import Path

from orchestrator.settings import OrchestratorSettings


def test_the_password_of_the_store_comes_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("a/b@c\n")
    settings = OrchestratorSettings(
        secret_file=tmp_path, store_url="postgresql+psycopg://podium@db/runs", store_password_file=file
    )
    assert settings.store == "postgresql+psycopg://podium:a%2Fb%40c@db/runs"
    assert "a/b@c" not in repr(settings)
