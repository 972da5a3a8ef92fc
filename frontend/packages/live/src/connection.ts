/** One socket for a page: subscriptions that resume by sequence number, and reconnection with back-off. */

import { type ClientFrame, readFrame, type ServerFrame } from "./frames";

export type ConnectionState = "connecting" | "catching-up" | "connected" | "offline";

/** The part of a WebSocket that is used. */
export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((message: { readonly data: unknown }) => void) | null;
  onclose: ((event: { readonly code: number }) => void) | null;
}

export interface Clock {
  now(): number;
  after(milliseconds: number, action: () => void): () => void;
}

export interface Subscriber {
  readonly stream: string;
  /** The last number the subscriber holds; asked again at each reconnection. */
  position(): number | string | null;
  onFrame(frame: ServerFrame): void;
}

export interface ConnectionOptions {
  readonly open: () => Socket;
  readonly clock: Clock;
  /** Between 0 and 1; spreads reconnections. */
  readonly chance: () => number;
}

export const pauses = { first: 500, longest: 15_000, ping: 20_000, silence: 45_000 } as const;

/** Refused for good: signed out, or no access to this tenant. */
const refused = new Set([4401, 4403, 4404]);

/** How long to wait after the given number of failures in a row, with half of it left to chance. */
export function pauseBefore(failures: number, chance: number): number {
  const full = Math.min(pauses.longest, pauses.first * 2 ** (failures - 1));
  return Math.round(full / 2 + (full / 2) * chance);
}

export class Connection {
  #state: ConnectionState = "connecting";
  #since: number;
  #socket: Socket | null = null;
  #failures = 0;
  #heard = 0;
  #closed = false;
  #cancelTimer: () => void = () => undefined;
  readonly #awaited = new Set<string>();
  readonly #subscribers = new Map<string, Subscriber>();
  readonly #listeners = new Set<(state: ConnectionState, since: number) => void>();

  constructor(private readonly options: ConnectionOptions) {
    this.#since = options.clock.now();
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** When the present state began, in the clock's milliseconds. */
  get since(): number {
    return this.#since;
  }

  start(): void {
    this.#closed = false;
    if (this.#socket === null) this.#open();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#drop();
  }

  /** Try at once, for example because the browser says that the network is back. */
  retryNow(): void {
    if (this.#closed || this.#socket !== null) return;
    this.#cancelTimer();
    this.#open();
  }

  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.set(subscriber.stream, subscriber);
    if (this.#isOpen()) this.#ask(subscriber);
    return () => {
      if (this.#subscribers.get(subscriber.stream) !== subscriber) return;
      this.#subscribers.delete(subscriber.stream);
      this.#awaited.delete(subscriber.stream);
      if (this.#isOpen()) this.#send({ type: "unsubscribe", stream: subscriber.stream });
    };
  }

  onState(listener: (state: ConnectionState, since: number) => void): () => void {
    this.#listeners.add(listener);
    listener(this.#state, this.#since);
    return () => this.#listeners.delete(listener);
  }

  #isOpen(): boolean {
    return this.#state === "connected" || this.#state === "catching-up";
  }

  #enter(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = this.options.clock.now();
    for (const listener of this.#listeners) listener(state, this.#since);
  }

  #open(): void {
    const socket = this.options.open();
    this.#socket = socket;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = (message) => this.#received(String(message.data));
    socket.onclose = (event) => this.#lost(socket, event.code);
  }

  #opened(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#heard = this.options.clock.now();
    this.#awaited.clear();
    this.#enter(this.#subscribers.size > 0 ? "catching-up" : "connected");
    for (const subscriber of this.#subscribers.values()) this.#ask(subscriber);
    if (this.#subscribers.size === 0) this.#failures = 0;
    this.#keepAlive();
  }

  #received(text: string): void {
    this.#heard = this.options.clock.now();
    const frame = readFrame(text);
    if (frame === undefined) return;
    if (frame.type === "pong") this.#awaited.clear();
    else if (frame.stream !== undefined) {
      this.#subscribers.get(frame.stream)?.onFrame(frame);
      this.#awaited.delete(frame.stream);
    }
    if (this.#awaited.size === 0) {
      this.#failures = 0;
      this.#enter("connected");
    }
  }

  #lost(socket: Socket, code: number): void {
    if (socket !== this.#socket) return;
    this.#drop();
    this.#enter("offline");
    if (this.#closed || refused.has(code)) return;
    this.#failures += 1;
    const pause = pauseBefore(this.#failures, this.options.chance());
    this.#cancelTimer = this.options.clock.after(pause, () => this.#open());
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = null;
    this.#cancelTimer();
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
  }

  #keepAlive(): void {
    this.#cancelTimer = this.options.clock.after(pauses.ping, () => {
      const socket = this.#socket;
      if (socket === null) return;
      if (this.options.clock.now() - this.#heard > pauses.silence) this.#lost(socket, 1006);
      else {
        this.#send({ type: "ping" });
        this.#keepAlive();
      }
    });
  }

  /** The ping behind it is answered after everything that the subscription had to tell, which may be nothing. */
  #ask(subscriber: Subscriber): void {
    this.#awaited.add(subscriber.stream);
    this.#enter("catching-up");
    this.#send({ type: "subscribe", stream: subscriber.stream, after: subscriber.position() });
    this.#send({ type: "ping" });
  }

  #send(frame: ClientFrame): void {
    this.#socket?.send(JSON.stringify(frame));
  }
}
