/** A command was called in a way that makes no sense; the message tells how to. */
export class Misuse extends Error {}
