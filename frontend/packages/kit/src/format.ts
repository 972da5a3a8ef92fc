/** Numbers, times and ids as people read them. */

const MILLISECOND = 1_000;
const SECOND = 1_000_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** A length of time given in microseconds, with its unit: `840 µs`, `12.4 ms`, `3.20 s`, `2 min 05 s`. */
export function formatDuration(microseconds: number): string {
  if (microseconds < MILLISECOND) return `${Math.round(microseconds)} µs`;
  if (microseconds < SECOND) return `${digits(microseconds / MILLISECOND)} ms`;
  if (microseconds < MINUTE) return `${digits(microseconds / SECOND)} s`;
  if (microseconds < HOUR) {
    const seconds = Math.floor((microseconds % MINUTE) / SECOND);
    return `${Math.floor(microseconds / MINUTE)} min ${String(seconds).padStart(2, "0")} s`;
  }
  const minutes = Math.floor((microseconds % HOUR) / MINUTE);
  return `${Math.floor(microseconds / HOUR)} h ${String(minutes).padStart(2, "0")} min`;
}

/** How long ago, or in how long, in one unit. Both in milliseconds. */
export function relativeTime(then: number, now: number): string {
  const seconds = Math.round(Math.abs(now - then) / 1000);
  const amount = spoken(seconds);
  if (amount === "") return "just now";
  return then <= now ? `${amount} ago` : `in ${amount}`;
}

function spoken(seconds: number): string {
  if (seconds < 5) return "";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** The full moment in the reader's own zone, with the zone's offset. */
export function exactTime(iso: string): string {
  return new Date(iso).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "long",
  });
}

/** The end of an id: the part of a UUIDv7 that differs between neighbours. */
export function shortId(id: string): string {
  return id.length > 12 ? id.slice(-8) : id;
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** What a run entered by, without the word for its kind: `route:POST /orders` reads `POST /orders`. */
export function entryWords(entry: string): string {
  return entry.replace(/^(route|pipeline|module|transition|hook|machine|message|step):/, "").replace(" -> ", " → ");
}
