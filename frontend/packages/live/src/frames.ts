/** What travels over the socket. */

export type ServerFrame =
  | { readonly type: "state"; readonly stream: string; readonly sequence: number; readonly state: unknown }
  | { readonly type: "event"; readonly stream: string; readonly sequence: number; readonly event: unknown }
  | { readonly type: "more"; readonly stream: string; readonly count?: number }
  | { readonly type: "error"; readonly code: string; readonly stream?: string; readonly message?: string }
  | { readonly type: "pong" };

export type ClientFrame =
  | { readonly type: "subscribe"; readonly stream: string; readonly after: number | string | null }
  | { readonly type: "unsubscribe"; readonly stream: string }
  | { readonly type: "ping" };

const kinds = new Set(["state", "event", "more", "error", "pong"]);

function isFrame(value: unknown): value is ServerFrame {
  return typeof value === "object" && value !== null && "type" in value && kinds.has(String(value.type));
}

/** Read a frame; anything that is not one is undefined, never an exception. */
export function readFrame(text: string): ServerFrame | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isFrame(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
