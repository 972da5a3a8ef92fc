import { beforeEach, describe, expect, it } from "vitest";
import { Connection } from "./connection";
import { isFinished, type Run, type RunEvent } from "./run";
import { RunStream } from "./runStream";
import { RunsFeed } from "./runsFeed";
import { aRun, FakeClock, FakeSocket } from "./testing";

const clock = new FakeClock();
let socket: FakeSocket;
let connection: Connection;

beforeEach(() => {
  socket = new FakeSocket();
  connection = new Connection({ clock, chance: () => 0, open: () => socket });
  connection.start();
  socket.accept();
});

describe("a followed run", () => {
  const stream = `run:${aRun().id}`;
  let followed: RunStream;
  let seen: Run[];

  beforeEach(() => {
    seen = [];
    followed = new RunStream(connection, aRun());
    followed.onChange((run) => seen.push(run));
    followed.follow();
  });

  function tell(sequence: number, event: RunEvent): void {
    socket.tell({ type: "event", stream, sequence, event });
  }

  const running = { index: 1, name: "send", kind: "uses", state: "running" } as const;

  it("adds a step, changes it in place and ends", () => {
    tell(5, { kind: "step.started", step: running });
    tell(5, { kind: "run.running", run: { state: "running" } });
    tell(6, { kind: "step.done", step: { index: 1, state: "done", duration_us: 1200, output: { ok: true } } });
    tell(7, { kind: "run.done", run: { state: "done", finished_at: "2026-01-05T10:00:01Z", duration_us: 2100 } });
    expect(followed.run.steps.map((step) => [step.name, step.state])).toEqual([
      ["check", "done"],
      ["send", "done"],
    ]);
    expect(followed.run).toMatchObject({ state: "done", sequence: 7, duration_us: 2100 });
  });

  it("takes nothing that it holds already", () => {
    tell(5, { kind: "run.running", run: { state: "running" } });
    tell(5, { kind: "step.started", step: { ...running, state: "ready" } });
    tell(4, { kind: "run.failed", run: { state: "failed" } });
    expect(seen).toHaveLength(1);
    expect(followed.run.steps).toHaveLength(1);
  });

  it("resumes behind the last number told whole, so that a cut in the middle loses nothing and doubles nothing", () => {
    tell(6, { kind: "step.done", step: { ...running, state: "done" } });
    socket.cut();
    connection.retryNow();
    socket.accept();
    expect(socket.sent.findLast((frame) => frame.type === "subscribe")).toEqual({ type: "subscribe", stream, after: 4 });
    tell(6, { kind: "step.done", step: { ...running, state: "done" } });
    tell(7, { kind: "step.done", step: { ...running, index: 2, name: "tell", state: "done" } });
    tell(7, { kind: "run.done", run: { state: "done" } });
    expect(followed.run.steps.map((step) => step.name)).toEqual(["check", "send", "tell"]);
    expect([followed.run.state, followed.run.sequence]).toEqual(["done", 7]);
  });

  it("takes a newer whole state and refuses an older one", () => {
    socket.tell({ type: "state", stream, sequence: 9, state: aRun({ state: "done" }) });
    socket.tell({ type: "state", stream, sequence: 3, state: aRun({ state: "running" }) });
    expect([followed.run.state, followed.run.sequence]).toEqual(["done", 9]);
  });

  it("keeps steps in their order whatever order they arrive in", () => {
    tell(5, { kind: "step.started", step: { index: 3, name: "later", kind: "set", state: "running" } });
    tell(6, { kind: "step.started", step: { index: 2, name: "sooner", kind: "set", state: "running" } });
    expect(followed.run.steps.map((step) => step.index)).toEqual([0, 2, 3]);
  });
});

describe("the feed of runs", () => {
  it("announces that there is more and forgets it once shown", () => {
    const feed = new RunsFeed(connection);
    let announced = 0;
    feed.onMore(() => {
      announced += 1;
    });
    feed.follow();
    socket.tell({ type: "more", stream: "runs" });
    expect([feed.isWaiting, announced]).toEqual([true, 1]);
    feed.shown();
    expect(feed.isWaiting).toBe(false);
  });

  it("takes a second beginning for more, because something may have been missed between", () => {
    const feed = new RunsFeed(connection);
    feed.follow();
    socket.tell({ type: "state", stream: "runs", sequence: 0, state: {} });
    expect(feed.isWaiting).toBe(false);
    socket.tell({ type: "state", stream: "runs", sequence: 0, state: {} });
    expect(feed.isWaiting).toBe(true);
  });
});

describe("an ending", () => {
  it("is done, failed or cancelled", () => {
    expect((["done", "failed", "cancelled"] as const).every(isFinished)).toBe(true);
    expect((["running", "waiting", "unknown"] as const).some(isFinished)).toBe(false);
  });
});
