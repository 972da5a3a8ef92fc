import { beforeEach, describe, expect, it } from "vitest";
import { socketUrl } from "./browser";
import { Connection, type ConnectionState, pauseBefore, pauses } from "./connection";
import { readFrame } from "./frames";
import { FakeClock, FakeSocket } from "./testing";

describe("connection", () => {
  let clock: FakeClock;
  let sockets: FakeSocket[];
  let connection: Connection;
  let states: ConnectionState[];

  beforeEach(() => {
    clock = new FakeClock();
    sockets = [];
    states = [];
    connection = new Connection({
      clock,
      chance: () => 1,
      open: () => {
        const socket = new FakeSocket();
        sockets.push(socket);
        return socket;
      },
    });
    connection.onState((state) => states.push(state));
    connection.start();
  });

  function newest(): FakeSocket {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }

  it("is catching up until every stream has answered", () => {
    connection.subscribe({ stream: "run:1", position: () => 7, onFrame: () => undefined });
    newest().accept();
    expect(newest().sent).toEqual([{ type: "subscribe", stream: "run:1", after: 7 }, { type: "ping" }]);
    newest().tell({ type: "state", stream: "run:1", sequence: 9, state: {} });
    expect(states).toEqual(["connecting", "catching-up", "connected"]);
  });

  it("has caught up when the server had nothing to tell", () => {
    connection.subscribe({ stream: "runs", position: () => null, onFrame: () => undefined });
    newest().accept();
    expect(connection.state).toBe("catching-up");
    newest().tell({ type: "pong" });
    expect(connection.state).toBe("connected");
  });

  it("reconnects after growing pauses and asks again from the position then held", () => {
    let position = 7;
    connection.subscribe({ stream: "run:1", position: () => position, onFrame: () => undefined });
    newest().accept();
    newest().tell({ type: "state", stream: "run:1", sequence: 7, state: {} });
    position = 12;
    newest().cut();
    expect(connection.state).toBe("offline");
    clock.pass(pauseBefore(1, 1));
    newest().cut();
    clock.pass(pauseBefore(1, 1));
    expect(sockets).toHaveLength(2);
    clock.pass(pauseBefore(1, 1));
    expect(sockets).toHaveLength(3);
    newest().accept();
    expect(newest().sent[0]).toEqual({ type: "subscribe", stream: "run:1", after: 12 });
  });

  it("says since when it is offline", () => {
    newest().accept();
    clock.pass(3000);
    newest().cut();
    expect([connection.state, connection.since]).toEqual(["offline", 3000]);
  });

  it("gives up on a refusal and on being closed", () => {
    newest().cut(4403);
    clock.pass(60_000);
    expect(sockets).toHaveLength(1);
    connection.close();
    connection.retryNow();
    expect(sockets).toHaveLength(1);
  });

  it("tries at once when the network is back", () => {
    newest().cut();
    connection.retryNow();
    expect(sockets).toHaveLength(2);
    connection.retryNow();
    expect(sockets).toHaveLength(2);
  });

  it("takes a silent server for a lost one", () => {
    newest().accept();
    clock.pass(pauses.ping);
    expect(newest().sent).toEqual([{ type: "ping" }]);
    newest().tell({ type: "pong" });
    clock.pass(pauses.ping);
    expect(connection.state).toBe("connected");
    clock.pass(pauses.silence + pauses.ping);
    expect(connection.state).not.toBe("connected");
    expect(sockets.length).toBeGreaterThan(1);
  });

  it("stops a stream when its subscriber leaves", () => {
    newest().accept();
    const leave = connection.subscribe({ stream: "runs", position: () => null, onFrame: () => undefined });
    leave();
    expect(newest().sent.at(-1)).toEqual({ type: "unsubscribe", stream: "runs" });
  });

  it("ignores what is not a frame", () => {
    newest().accept();
    newest().onmessage?.({ data: "not json" });
    expect(readFrame('{"type":"dance"}')).toBeUndefined();
    expect(readFrame("[1]")).toBeUndefined();
    expect(connection.state).toBe("connected");
  });
});

describe("pauses", () => {
  it("double up to a limit and never fall below half", () => {
    expect([1, 2, 3].map((failures) => pauseBefore(failures, 1))).toEqual([500, 1000, 2000]);
    expect(pauseBefore(30, 1)).toBe(pauses.longest);
    expect(pauseBefore(1, 0)).toBe(250);
  });
});

describe("socket address", () => {
  it("follows the page", () => {
    expect(socketUrl({ protocol: "https:", host: "weft.example" }, "acme")).toBe("wss://weft.example/ws/t/acme/");
    expect(socketUrl({ protocol: "http:", host: "localhost:8000" }, "acme")).toBe("ws://localhost:8000/ws/t/acme/");
  });
});
