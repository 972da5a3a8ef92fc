import { type Connection, type Run, RunStream } from "@weft/live";
import { useEffect, useState } from "react";

/** A run that follows its stream from the state the page came with. */
export function useRun(connection: Connection, first: Run | null): Run | null {
  const [run, setRun] = useState(first);
  useEffect(() => {
    setRun(first);
    if (first === null) return undefined;
    const stream = new RunStream(connection, first);
    const leave = stream.follow();
    const stop = stream.onChange(setRun);
    return () => {
      stop();
      leave();
    };
  }, [connection, first]);
  return run;
}
