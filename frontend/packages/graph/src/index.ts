export * from "./colouring";
export * from "./document";
export * from "./findings";
export * from "./layout";
