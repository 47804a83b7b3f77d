"""A command that asks no model pays for no client's import."""

import subprocess
import sys


def test_import_when_the_command_line_is_loaded_then_no_client_of_a_model_is() -> None:
    code = "import sys, fks_actors.cli.plan; sys.exit(any(m in sys.modules for m in ('openai', 'google.genai')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
