/** This package's version. A constant, so that a bundle of an app needs no file beside it; a test compares it with package.json. */
export const VERSION = '0.1.0'
