/** This package's version. A constant, so that a bundled app needs no extra file; a test compares it with package.json. */
export const VERSION = '0.1.0'
