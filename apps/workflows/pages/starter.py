"""The text that a new workflow begins with: small, complete, and it answers once it is deployed."""

STARTER = """\
modules:
  - name: server
    type: http.server
    config:
      address: ":8080"
  - name: router
    type: http.router
    dependsOn: [server]

workflows:
  http:
    server: server
    router: router
    routes:
      - method: GET
        path: /hello
        handler: greet

  pipelines:
    greet:
      description: Answers with a greeting.
      steps:
        - respond:
            status: 200
            body:
              message: Hello from Weft
"""
