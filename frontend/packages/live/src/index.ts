export * from "./browser";
export * from "./connection";
export * from "./frames";
export * from "./run";
export * from "./runStream";
export * from "./runsFeed";
