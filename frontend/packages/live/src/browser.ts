/** The connection over the browser's own socket and clock. */

import { type Clock, Connection, type Socket } from "./connection";

const clock: Clock = {
  now: () => Date.now(),
  after: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** The socket address of a tenant on the host that served the page. */
export function socketUrl(place: { readonly protocol: string; readonly host: string }, tenant: string): string {
  return `${place.protocol === "https:" ? "wss" : "ws"}://${place.host}/ws/t/${tenant}/`;
}

export function connectTo(url: string): Connection {
  const connection = new Connection({
    open: () => new WebSocket(url) as Socket,
    clock,
    chance: Math.random,
  });
  window.addEventListener("online", () => connection.retryNow());
  connection.start();
  return connection;
}
