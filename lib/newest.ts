/**
 * An object whose members are always those of the newest of its kind: what a reload replaces is read
 * through it at each use, so whoever holds it need not be told. Its functions must not need their `this`.
 */
export const newest = <T extends object>(of: () => T): T => new Proxy({} as T, { get: (_, key): unknown => Reflect.get(of(), key) })
