"""Documents that the tests of this folder deploy."""

HEAD = """\
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
"""

ORDERS = (
    HEAD
    + """\
  - {name: orders, type: api.handler, config: {resourceName: orders}}
  - {name: broker, type: messaging.broker}
workflows:
  http:
    routes:
      - {method: POST, path: /price, handler: price}
      - {method: POST, path: /quiet, handler: price, record: none}
      - {method: POST, path: /later, handler: price, record: async}
      - {method: POST, path: /stepwise, handler: price, record: step}
      - {method: POST, path: /accept, handler: accept}
      - {method: POST, path: /orders, handler: orders}
      - {method: GET, path: /orders, handler: orders}
      - {method: GET, path: "/orders/{id}", handler: orders}
  messaging:
    subscriptions:
      - {topic: order.accepted, handler: count, key: "${data.customer}"}
      - {topic: order.accepted, handler: glance, ordering: none}
      - {topic: order.broken, handler: break}
  pipelines:
    price:
      input: {type: object, required: [qty, price], properties: {qty: {type: number}, price: {type: number}}}
      steps:
        - name: total
          set: {total: "${data.qty * data.price}"}
        - name: size
          if: "data.total > 100.0"
          then:
            - {name: big, set: {size: big}}
          else:
            - {name: small, set: {size: small}}
    accept:
      steps:
        - {name: tell, emit: order.accepted, payload: "${data}"}
        - {name: answer, respond: {status: 202, body: {accepted: true}}}
    count:
      steps:
        - {name: counted, set: {counted: true}}
    glance:
      steps:
        - {name: seen, set: {seen: true}}
    break:
      steps:
        - {name: check, validate: {schema: {type: object, required: [never]}}}
triggers:
  http:
    routes:
      - {path: /start, method: POST, workflow: price, action: go}
"""
)

LOGGED = (
    HEAD
    + """\
  - {name: lines, type: http.middleware.logging}
  - {name: notes, type: api.handler, config: {resourceName: notes}}
workflows:
  http:
    routes:
      - {method: GET, path: /notes, handler: notes, middlewares: [lines]}
      - {method: POST, path: /marked, handler: marked, middlewares: [lines]}
  pipelines:
    marked: {steps: [{name: mark, set: {marked: true}}]}
"""
)

GUARDED = (
    HEAD
    + """\
workflows:
  http:
    routes:
      - {method: POST, path: /said, handler: said}
  pipelines:
    said:
      steps:
        - respond:
            status: 200
            headers:
              Referrer-Policy: no-referrer
              X-Content-Type-Options: sniff
              X-Request-Id: theirs
              Weft-Version: "99"
              Content-Length: "1"
              Content-Security-Policy: default-src 'none'
              Strict-Transport-Security: max-age=0
              Set-Cookie: a=b
              Clear-Site-Data: '"cookies"'
            body: {said: true}
"""
)

NOTES = (
    HEAD
    + """\
  - {name: notes, type: api.handler, config: {resourceName: notes}}
workflows:
  http:
    routes:
      - {method: POST, path: /notes, handler: notes}
      - {method: GET, path: /notes, handler: notes}
"""
)

SAYS = (
    HEAD
    + """\
workflows:
  http:
    routes:
      - {method: POST, path: /anything, handler: says}
  pipelines:
    says: {steps: [{name: say, respond: {status: "${data.status}", body: "${data.body}"}}]}
"""
)
