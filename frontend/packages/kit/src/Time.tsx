import { useEffect, useState } from "react";
import { exactTime, relativeTime } from "./format";

/** A moment: relative to read, exact on hover. */
export function Time({ iso }: { readonly iso: string }) {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 10_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <time dateTime={iso} title={exactTime(iso)}>
      {relativeTime(Date.parse(iso), now)}
    </time>
  );
}
