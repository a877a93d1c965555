// Miniflare, loaded in half the time: what is imported of CommonJS is first read for the names that it exports, and this is six megabytes.

import { createRequire } from 'node:module';

/** @type {typeof import('miniflare')} */
export const { Miniflare, convertV4MiniflareOptions } = createRequire(import.meta.url)('miniflare');
