/** What a document looks like when it is drawn: the JSON that the server sends for a draft or a version. */

export type Category =
  | "http"
  | "messaging"
  | "statemachine"
  | "framework"
  | "storage"
  | "data"
  | "observability"
  | "integration"
  | "auth"
  | "scheduling"
  | "branching";

export interface GraphNode {
  readonly id: string;
  /** What is drawn: a module type such as `http.router`, or the part of a section it stands for. */
  readonly kind: string;
  readonly category: string;
  readonly title: string;
  /** Where the node is written, such as `modules[3]`. */
  readonly path: string;
  readonly line: number;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly label: string;
}

export interface DocumentGraph {
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export type Severity = "error" | "blocked" | "warning" | "note";

export interface Finding {
  readonly severity: Severity;
  readonly code: string;
  readonly path: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export const emptyGraph: DocumentGraph = { nodes: [], edges: [] };
