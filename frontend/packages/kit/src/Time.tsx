import { useEffect, useReducer } from "react";
import { exactTime, relativeTime } from "./format";

/** A moment: relative to read, exact on hover. */
export function Time({ iso }: { readonly iso: string }) {
  const [, tick] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const timer = setInterval(tick, 10_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={iso} title={exactTime(iso)}>
      {relativeTime(Date.parse(iso), Date.now())}
    </time>
  );
}
