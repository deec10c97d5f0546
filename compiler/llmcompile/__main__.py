"""The entry point: says clearly what to install where the compiler's parts are missing."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line interface."""
    try:
        from llmcompile.cli.main import run

        run()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith(("llmcompile", "llmrouter")):
            raise
        sys.stderr.write(
            f"error: the compiler needs {error.name}, which is not installed\n"
            "next: pip install 'llmcompile[compiler]'\n"
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
