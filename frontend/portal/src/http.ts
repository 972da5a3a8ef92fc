/** Calls to the product's own API: JSON in, JSON out, problems as exceptions that can be shown to people. */

export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code?: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly [extra: string]: unknown;
}

export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
  }

  /** What happened, in one line, with the id to quote. */
  get sentence(): string {
    const text = this.problem.detail ?? this.problem.title;
    return this.problem.requestId === undefined ? text : `${text} (request ${this.problem.requestId})`;
  }
}

export interface Answer<T> {
  readonly body: T;
  readonly etag: string | null;
}

export interface CallOptions {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The CSRF token from the cookie, as Django expects it back. */
export function csrfToken(cookies: string = document.cookie): string {
  return /(?:^|;\s*)weft_csrf=([^;]+)/.exec(cookies)?.[1] ?? "";
}

async function problemOf(response: Response): Promise<Problem> {
  const fallback = { title: `The server answered ${response.status}`, status: response.status };
  const id = response.headers.get("X-Request-ID");
  const known = id === null ? {} : { requestId: id };
  try {
    return { ...fallback, ...known, ...((await response.json()) as object) };
  } catch {
    return { ...fallback, ...known };
  }
}

async function send(method: string, url: string, options: CallOptions): Promise<Response> {
  const init: RequestInit = {
    method,
    credentials: "same-origin",
    headers: {
      Accept: "application/json",
      ...(options.body === undefined ? {} : { "Content-Type": "application/json" }),
      ...(method === "GET" ? {} : { "X-CSRFToken": csrfToken() }),
      ...options.headers,
    },
  };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal !== undefined) init.signal = options.signal;
  try {
    return await fetch(url, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ProblemError({ title: "The server cannot be reached", status: 0, detail: "The server cannot be reached. Nothing was changed; try again." });
  }
}

/** Call the API; an answer that is not 2xx is thrown as `ProblemError`. */
export async function call<T>(method: string, url: string, options: CallOptions = {}): Promise<Answer<T>> {
  const response = await send(method, url, options);
  if (!response.ok) throw new ProblemError(await problemOf(response));
  const body = response.status === 204 ? undefined : await response.json();
  return { body: body as T, etag: response.headers.get("ETag") };
}

/** The words to show for anything that was thrown. */
export function sentenceOf(error: unknown): string {
  if (error instanceof ProblemError) return error.sentence;
  return error instanceof Error ? error.message : String(error);
}
