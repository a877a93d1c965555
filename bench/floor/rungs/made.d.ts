// What bench/floor/ladders.mjs and starts.mjs put beside a rung.

/** What the rung has, each a literal for esbuild. */
declare const HAS: Record<string, boolean>;

declare module '*/boundary.wasm' {
  const module: WebAssembly.Module;
  export default module;
}

declare module '*/gateway.js';
