"""A document whose requests write first and are then refused, in each way that a request can be."""

REFUSING = """\
modules:
  - {name: server, type: http.server, config: {address: ":8080"}}
  - {name: router, type: http.router}
  - {name: broker, type: messaging.broker}
  - {name: engine, type: statemachine.engine}
  - {name: store, type: persistence.store, config: {shared: true}}
  - {name: cases, type: api.handler, config: {resourceName: cases, workflowType: case}}
  - {name: clerk, type: messaging.handler}
workflows:
  http:
    routes:
      - {method: POST, path: /refused, handler: refused}
      - {method: POST, path: /chosen, handler: chosen}
      - {method: POST, path: /cases, handler: cases}
      - {method: PUT, path: "/cases/{id}/transition", handler: cases}
  messaging:
    subscriptions:
      - {topic: note-errors, handler: clerk}
    producers:
      - {name: refused, forwardTo: [note.kept, note-errors]}
  pipelines:
    refused:
      steps:
        - &keep {name: keep, uses: store, with: {action: save, type: notes, id: "${data.id}", data: "${data}"}}
        - {name: tell, emit: note.told}
        - {name: move, uses: engine, with: {workflow: case, id: "${data.id}", transition: begin, data: {}}}
        - {name: check, validate: {schema: {type: object, required: [never]}}}
    chosen:
      steps:
        - *keep
        - {name: tell, emit: note.told}
        - {name: move, uses: engine, with: {workflow: case, id: "${data.id}", transition: begin, data: {}}}
        - {name: answer, respond: {status: 409, body: {chosen: true}}}
  statemachine:
    engine: engine
    definitions:
      - name: case
        initialState: new
        states:
          new: {description: Fresh}
          begun: {description: Begun}
          ended: {description: Over, isFinal: true}
        transitions:
          begin: {fromState: new, toState: begun}
          end: {fromState: begun, toState: ended}
"""
