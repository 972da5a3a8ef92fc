import { describe, expect, it, vi } from "vitest";
import { call, csrfToken, ProblemError, sentenceOf } from "./http";
import { pageContext, readJson } from "./page";

function answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
  vi.stubGlobal(
    "fetch",
    vi.fn(async () => new Response(body === undefined ? null : JSON.stringify(body), { status, headers })),
  );
}

describe("calls", () => {
  it("return the body with its ETag", async () => {
    answer(200, { text: "a" }, { ETag: '"4"' });
    expect(await call("GET", "/x")).toEqual({ body: { text: "a" }, etag: '"4"' });
    answer(204, undefined);
    expect(await call("DELETE", "/x")).toEqual({ body: undefined, etag: null });
  });

  it("send the CSRF token with everything that changes something", async () => {
    document.cookie = "weft_csrf=token";
    answer(200, {});
    await call("PUT", "/x", { body: { a: 1 }, headers: { "If-Match": '"4"' } });
    const [, init] = vi.mocked(fetch).mock.calls[0] ?? [];
    expect(init).toMatchObject({
      method: "PUT",
      body: '{"a":1}',
      headers: { "X-CSRFToken": "token", "If-Match": '"4"', "Content-Type": "application/json" },
    });
    expect(csrfToken("a=1; weft_csrf=abc; b=2")).toBe("abc");
    expect(csrfToken("a=1")).toBe("");
  });

  it("throw a problem that can be shown, with the request id", async () => {
    answer(412, { title: "Changed", detail: "Ada saved it.", revision: 9 }, { "X-Request-ID": "r-1" });
    const error = await call("PUT", "/x").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).problem).toMatchObject({ status: 412, revision: 9 });
    expect(sentenceOf(error)).toBe("Ada saved it. (request r-1)");
  });

  it("make a problem of an answer that is none and of a server that is not there", async () => {
    vi.stubGlobal("fetch", async () => new Response("<html>", { status: 502 }));
    expect(sentenceOf(await call("GET", "/x").catch((thrown: unknown) => thrown))).toBe("The server answered 502");
    vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("network")));
    expect(sentenceOf(await call("GET", "/x").catch((thrown: unknown) => thrown))).toMatch(/cannot be reached/);
  });
});

describe("the page", () => {
  it("tells scripts its tenant, and nothing outside of one", () => {
    const root = document.createElement("html");
    expect(pageContext(root)).toBeUndefined();
    root.dataset["tenant"] = "acme";
    expect(pageContext(root)).toMatchObject({ base: "/t/acme", api: "/t/acme/api/v1", environment: "" });
  });

  it("hands over its data blocks", () => {
    document.body.innerHTML = '<script type="application/json" id="d">{"a": 1}</script>';
    expect(readJson("d")).toEqual({ a: 1 });
    expect(() => readJson("missing")).toThrow(/missing/);
  });
});
