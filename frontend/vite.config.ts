import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../static/build",
    emptyOutDir: true,
    manifest: "manifest.json",
    target: "es2023",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    rollupOptions: { input: "portal/src/main.ts" },
  },
  test: {
    include: ["packages/*/src/**/*.test.{ts,tsx}", "portal/src/**/*.test.{ts,tsx}"],
    environment: "happy-dom",
    pool: "vmThreads", // apart like processes, with one load of happy-dom per worker
    restoreMocks: true,
  },
});
