/**
 * An object that forwards each access to the newest object of its kind: what a reload replaces is read through it at
 * each use, so its users need not be told. Its functions must not use `this`.
 */
export const newest = <T extends object>(of: () => T): T => new Proxy({} as T, { get: (_, key): unknown => Reflect.get(of(), key) })
