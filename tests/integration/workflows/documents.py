"""Documents that the tests of this folder publish."""

CLEAN = """\
modules:
  - name: server
    type: http.server
    config: {address: ":8080"}
  - name: router
    type: http.router
  - name: hello
    type: http.handler
workflows:
  http:
    routes:
      - {method: GET, path: /hello, handler: hello}
"""
OTHER = CLEAN.replace("/hello", "/hi")
BLOCKED = CLEAN.replace("type: http.router", "type: http.ruoter")
BROKEN = CLEAN.replace("name: router", "name: server")
HOOK = """\
  - name: hook
    type: webhook.sender
    config: {url: "https://example.com/${HOOK_PATH}"}
workflows:
"""
NEEDS_SECRET = CLEAN.replace("workflows:\n", HOOK)
UNREADABLE = "modules:\n  - name: [\n"
