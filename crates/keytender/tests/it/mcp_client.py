"""A client of the Model Context Protocol, of another implementation: the official Python SDK.

    mcp_client.py MODE WIRE PROGRAM WORD…     [[tool, arguments], …] as JSON on stdin

Starts the program as clients do, calls the tools one after the other, and prints what came of it as
JSON. The SDK holds each result against the schema of its tool. All bytes of both directions are kept
in WIRE.in and WIRE.out.

    mcp_client.py --tee WIRE PROGRAM WORD…    stands between the two, and keeps what they say
"""

import asyncio
import json
import os
import subprocess
import sys
import threading

PATIENCE_SECONDS = 90


def tee(wire: str, command: list[str]) -> int:
    """Pass on what both sides say, and write it down."""
    program = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def pass_on(source: int, sink: int, path: str, close) -> None:
        with open(path, "wb") as log:
            while piece := os.read(source, 65536):
                log.write(piece)
                log.flush()
                os.write(sink, piece)
        close()

    ways = [
        (0, program.stdin.fileno(), f"{wire}.in", program.stdin.close),
        (program.stdout.fileno(), 1, f"{wire}.out", lambda: None),
    ]
    threads = [threading.Thread(target=pass_on, args=way, daemon=True) for way in ways]
    for thread in threads:
        thread.start()
    code = program.wait()
    threads[1].join()
    return code


async def speak(mode: str, wire: str, command: list[str], calls: list) -> dict:
    """Call each tool, and return what came of it."""
    from mcp import Client, MCPError, StdioServerParameters

    server = StdioServerParameters(
        command=sys.executable,
        args=[__file__, "--tee", wire, *command],
        env=dict(os.environ),
        cwd=os.getcwd(),
    )
    results = []
    async with Client(server, mode=mode, read_timeout_seconds=PATIENCE_SECONDS) as client:
        tools = (await client.list_tools()).tools
        for name, arguments in calls:
            try:
                result = await client.call_tool(name, arguments)
            except MCPError as error:
                results.append({"refused": error.error.code, "text": error.error.message})
                continue
            text = "\n".join(block.text for block in result.content)
            results.append(
                {"is_error": result.is_error, "text": text, "value": result.structured_content}
            )
        return {
            "version": client.protocol_version,
            "instructions": client.instructions,
            "tools": [tool.model_dump(mode="json", by_alias=True) for tool in tools],
            "results": results,
        }


if __name__ == "__main__":
    if sys.argv[1] == "--tee":
        sys.exit(tee(sys.argv[2], sys.argv[3:]))
    said = asyncio.run(speak(sys.argv[1], sys.argv[2], sys.argv[3:], json.load(sys.stdin)))
    print(json.dumps(said))
